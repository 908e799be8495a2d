import { restore, tailReads } from './read/tail.ts';
import { arrange, widthsOf } from './arrange.ts';
import { activations } from './read/activations.ts';
import { affine } from './read/affine.ts';
import { arithmetic } from './read/arithmetic.ts';
import { readsChannelsLast } from './read/channelsLast.ts';
import { infiniteTensor, infiniteWeights } from './read/finite.ts';
import { layers } from './read/layers.ts';
import { layout, mapsLater } from './read/layout.ts';
import { parts } from './read/parts.ts';
import { pooling } from './read/pooling.ts';
import { Reading, type NodeReader, type ReadOptions, type View } from './read/reading.ts';
import { Settled } from './read/settle.ts';
import { tidy, typesOf } from './read/tidy.ts';
import { toUnitVariance } from './read/unitVariance.ts';
import { Unreadable } from './read/unreadable.ts';
import { reads } from '../onnx/node.ts';
import type { Graph, Node } from '../onnx/graph.ts';
import type { TaskNet } from './topology.ts';

export type { ReadOptions } from './read/reading.ts';

/** One reader an operator; operators without one stay in the head. */
const readers = new Map<string, NodeReader>(
  [layers, affine, arithmetic, activations, pooling, layout, parts].flatMap((family) =>
    Object.entries(family),
  ),
);

/**
 * Reads a network as far as it can be zipped, from its input on. What cannot be zipped, and what depends on it, becomes
 * the tail; the notes say why.
 *
 * Grouped convolutions become one convolution a group. Batch normalisation is folded into the layer before it, or made a
 * step of its own; channels that only such steps read have unit variance. Dropout, Identity and changes of layout vanish.
 *
 * @param task named in errors and notes
 * @throws {Error} when it has not one float32 input and one output, weights that are not finite, or none of its layers can
 * be zipped.
 */
export function readNet(graph: Graph, task: string, options: ReadOptions): TaskNet {
  const refuse = (reason: string): Error => new Error(`Cannot zip "${task}": ${reason}`);
  const net = tidy(graph);
  const [input, ...otherInputs] = net.inputs;
  const [output, ...otherOutputs] = net.outputs;
  if (!input || !output || otherInputs.length > 0 || otherOutputs.length > 0)
    throw refuse(`it has ${net.inputs.length} inputs and ${net.outputs.length} outputs, not one of each`);
  if (input.dtype !== 'float32') throw refuse(`its input "${input.name}" is ${input.dtype}, not float32`);
  const infinite = infiniteTensor(net);
  if (infinite !== null) throw refuse(infinite);
  const types = typesOf(net);
  const { dims, channelsLast } = inputDims(net, input.name, input.dims, refuse);
  const asMaps = mapsLater(net.nodes, (tensor) => types.get(tensor)?.dims);
  const reading = new Reading(net, types, asMaps, { name: input.name, dims, channelsLast }, options);
  const notes = readNodes(net, reading);
  if (channelsLast)
    notes.unshift(
      `Its input "${input.name}" has its channels last; zipped, it takes them first: [${dims.join()}]`,
    );
  for (const dtype of new Set(reading.constants.converted.values()))
    notes.push(`Weights stored as ${dtype} are computed with as float32`);

  const answer = finished(reading, output.name);
  const tail = answer === null ? tailReads(net, reading.views) : null;
  toUnitVariance(reading.draft, tail ? tail.tensors.map(({ view }) => view.value) : [answer ?? 0]);
  const settled = new Settled(reading.draft);
  const [batch] = input.dims;
  if (tail && typeof batch === 'number')
    notes.push(`Its head takes batches of ${batch} only, as its input "${input.name}" does`);
  const ends = tail
    ? [...new Set(tail.tensors.map(({ view }) => settled.valueOf(view.value)))]
    : [answer ?? 0];
  const pinned = new Map<number, string>();
  if (answer !== null) pinned.set(settled.valueOf(answer), 'its channels are the logits');
  for (const view of tail?.answers ?? [])
    pinned.set(settled.valueOf(view.value), 'its channels are what the task answers');
  const { topology, numbers } = arrange({
    input: { name: input.name, dims },
    steps: settled.steps,
    sizes: settled.sizes,
    ends: answer === null ? ends : [settled.valueOf(answer)],
    output: answer === null ? null : settled.valueOf(answer),
    pinned,
  });
  const shareable = topology.steps.some(({ kind }) => kind === 'layer');
  if (!shareable) throw refuse(['none of its layers can be zipped', ...notes].join('. '));
  const names = new Set(topology.steps.map(({ name }) => name));
  const weights = new Map([...settled.weights].filter(([name]) => names.has(name)));
  const broken = infiniteWeights(weights);
  if (broken !== null) throw refuse(broken);
  const numberOf = (view: View): number => numbers.get(settled.valueOf(view.value)) ?? 0;
  const widths = widthsOf(topology, weights);
  return {
    task,
    topology,
    widths,
    weights,
    tail: tail && restore(net, tail.tensors, numberOf, { topology, widths }, types),
    notes,
  };
}

/** Reads every node whose inputs are read. @returns why each node at which reading ends cannot be read */
function readNodes(graph: Graph, reading: Reading): string[] {
  const notes: string[] = [];
  const lost = new Set<string>();
  for (const node of graph.nodes) {
    const inputs = reads(node);
    const isLost = inputs.some((name) => lost.has(name));
    const isComputed = inputs.some((name) => reading.views.has(name));
    if (!isLost && !isComputed) continue; // a constant, or a shape
    const isConstant = node.op === 'CastLike' && !reading.views.has(node.inputs[0] ?? '');
    if (!isLost && (node.op === 'Shape' || isConstant)) continue; // read for its form only
    if (!isLost) {
      try {
        reading.see(node, readerOf(node)(node, reading));
        continue;
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        notes.push(`${node.op} "${node.name}": ${error.message}; it and what follows stay in the head`);
      }
    }
    for (const name of node.outputs) lost.add(name);
  }
  return notes;
}

function readerOf(node: Node): NodeReader {
  const reader = node.domain === '' ? readers.get(node.op) : undefined;
  if (!reader) throw new Unreadable('this operator cannot be zipped');
  if (node.outputs.slice(1).some((name) => name !== '') && node.op !== 'Split')
    throw new Unreadable('more than one of its outputs is used');
  return reader;
}

/** The value of the logits, [batch, classes], where all of the network is read. */
function finished(reading: Reading, output: string): number | null {
  const view = reading.views.get(output);
  if (!view || view.order || view.channelsLast || view.inLine || view.filters > 1) return null;
  return view.squeezed ? reading.draft.flatten(reading.unique('logits.flat'), view.value) : view.value;
}

/** Dims of a sample, channels first. */
function inputDims(
  graph: Graph,
  name: string,
  declared: readonly unknown[],
  refuse: (reason: string) => Error,
): { dims: number[]; channelsLast: boolean } {
  const dims = declared.slice(1).map((dim, axis) => {
    if (typeof dim === 'number') return dim;
    throw refuse(`dimension ${axis + 1} of its input "${name}" is not known`);
  });
  if (dims.length === 0) throw refuse(`its input "${name}" has no channels`);
  const channelsLast = readsChannelsLast(graph);
  return { dims: channelsLast ? [dims.at(-1) ?? 1, ...dims.slice(0, -1)] : dims, channelsLast };
}
