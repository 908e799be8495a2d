import { Graph } from '../onnx/graph.ts';
import { elementsOf } from './arrange.ts';
import { appendTail, writeSteps } from './netGraph.ts';
import { inputOf, valueAt, type Tail, type TaskNet } from './topology.ts';

/**
 * The tail of a network of whose steps only some are kept: it does the other steps, then what the tail did before.
 *
 * @param kept positions in the topology's steps; with a step, all that it depends on
 * @returns null where nothing is left to do; `reads` are numbers of the network's own values
 */
export function tailAfter(net: TaskNet, kept: ReadonlySet<number>): Tail | null {
  const { topology, widths, tail, task } = net;
  const rest = topology.steps.filter((_, index) => !kept.has(index));
  if (rest.length === 0) return tail;
  const made = new Set(rest.map(({ output }) => output));
  const wanted = [...rest.flatMap(inputOf), ...(tail?.reads ?? [topology.output ?? 0])];
  const reads = [...new Set(wanted)].filter((value) => !made.has(value));
  const graph = new Graph(task);
  const makers = new Map(topology.steps.map((step) => [step.output, step.name]));
  const names = new Map<number, string>();
  for (const value of reads) {
    const shown = valueAt(topology, value);
    const name = graph.fresh(makers.get(value) ?? topology.input.name);
    graph.inputs.push({ name, dtype: 'float32', dims: ['N', elementsOf(shown, widths), ...shown.size] });
    names.set(value, name);
  }
  const all = writeSteps(graph, net, rest, names);
  if (tail) appendTail(graph, tail, all);
  else {
    const output = topology.output ?? 0;
    const shown = valueAt(topology, output);
    const name = all.get(output) ?? '';
    graph.outputs = [{ name, dtype: 'float32', dims: ['N', elementsOf(shown, widths), ...shown.size] }];
  }
  return { graph, reads };
}

/** A tail that hands one value on as it is: where a network ends in the middle of what it is aligned with. */
export function passingTail({ topology, widths, task }: TaskNet, value: number): Tail {
  const graph = new Graph(task);
  const shown = valueAt(topology, value);
  const dims = ['N', elementsOf(shown, widths), ...shown.size];
  const output = graph.fresh(task);
  graph.inputs = [{ name: `${output}.value`, dtype: 'float32', dims }];
  graph.addNode('Identity', [`${output}.value`], [output]);
  graph.outputs = [{ name: output, dtype: 'float32', dims }];
  return { graph, reads: [value] };
}
