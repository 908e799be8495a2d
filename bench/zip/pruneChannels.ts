import { beside, matrix, row, type Matrix } from '../../gpu-runner/linalg/matrix.ts';
import { measureTasks, type MeasureContext } from '../../gpu-runner/mtz/measurements.ts';
import {
  columnsPerChannel,
  rowsOf,
  weightedSteps,
  widthOf,
  type Network,
  type Part,
  type Rows,
  type WeightedStep,
} from '../../gpu-runner/mtz/network.ts';
import { refitStep } from '../../gpu-runner/mtz/refit.ts';
import { valueAt, type Layer } from '../../gpu-runner/mtz/topology.ts';
import { stagesOf } from '../../gpu-runner/mtz/zipStages.ts';
import type { Graph } from '../../gpu-runner/onnx/graph.ts';
import { alone, channelGroups, type BatchNorm, type ChannelGroup } from './alone.ts';
import { leastChannels, type ChannelReader } from './leastChannels.ts';
import type { Kept } from './prunedSize.ts';

/** By group: the channels that are taken from it. */
type Gone = ReadonlyMap<number, readonly number[]>;

/**
 * Takes whole channels from a network, group by group: as Optimal Brain Surgeon (Hassibi and Stork 1993) takes weights, a
 * channel at a time, that which costs the layers that read it least when all others make up for it; then these layers are
 * fitted to what they put out in the untouched network. The yardstick of merging, with the same samples and the same
 * fitting.
 *
 * Where several layers put a group out or read it, as a residual stream, a channel goes from all of them at once, and at
 * last every layer is fitted once more to what it reads in the end: it was fitted before later groups lost channels.
 *
 * @param context of one source
 * @param batchNorm `per-task`: it stays beside its layer, which is fitted before it
 * @returns the network with the weights of what went and those that read it 0: `sizeWith` says what it takes without them
 * @throws {Error} when something else is to lose channels than groups that only layers read.
 */
export async function pruneChannels(
  graph: Graph,
  kept: Kept,
  context: MeasureContext,
  batchNorm: BatchNorm = 'fold',
): Promise<Network> {
  const [source] = context.sources;
  const before = alone(graph, source?.task ?? '', batchNorm);
  const groups = channelGroups(before);
  const unknown = [...kept.keys()].find((name) => !groups.some((group) => group.name === name));
  if (unknown !== undefined)
    throw new Error(
      `Cannot prune ${unknown}: channels can be taken from ${groups.map(({ name }) => name).join(', ')}`,
    );
  const stages = stagesOf(before);
  const gone = new Map<number, readonly number[]>();
  let network = before;
  const fit = async (layers: readonly Layer[]): Promise<void> => {
    for (const step of stages.flatMap(({ layer, steps }) => (layers.includes(layer) ? steps : []))) {
      const grams = await measureTasks(network, step, context);
      network = without(await refitStep(network, before, step, grams, context), gone);
    }
  };
  for (const group of groups) {
    const count = group.channels - (kept.get(group.name) ?? group.channels);
    if (count <= 0) continue;
    const readers: ChannelReader[] = [];
    for (const reader of group.readers) readers.push(await readerOf(network, reader, group, context));
    gone.set(group.index, await leastChannels(readers, group.channels, count));
    network = without(network, gone);
    await fit(group.readers);
  }
  const isChain = groups.every(({ readers }) => readers.length === 1);
  if (gone.size > 0 && !isChain) await fit(stages.map(({ layer }) => layer));
  return network;
}

/** A layer as it reads a group now, its outputs as large as the scale makes them that follows it. */
async function readerOf(
  network: Network,
  reader: Layer,
  group: ChannelGroup,
  context: MeasureContext,
): Promise<ChannelReader> {
  const [measured] = await measureTasks(network, reader, context);
  const { weight, bias } = partOf(network, reader);
  if (measured?.kind !== 'layer' || !('data' in measured.gram) || !bias)
    throw new Error(`Cannot prune ${group.name}: what reads it was not measured as a matrix`);
  const weights = beside([weight, matrix(weight.rows, 1, bias)], weight.rows);
  return {
    weights: scaled(weights, scalesAfter(network, reader)),
    gram: measured.gram,
    columns: columnsByChannel(network, reader, group.index),
  };
}

/** What a layer's outputs are multiplied by next: the scales of a batch normalisation that is kept. */
function scalesAfter(network: Network, layer: Layer): Float64Array[] {
  return weightedSteps(network).flatMap((step) =>
    step.kind === 'channelwise' && !step.convolution && step.input === layer.output
      ? [partOf(network, step).weight.data]
      : [],
  );
}

function scaled(weights: Matrix, scales: readonly Float64Array[]): Matrix {
  for (const scale of scales)
    for (let channel = 0; channel < weights.rows; channel += 1) {
      const own = row(weights, channel);
      own.set(own.map((value) => value * (scale[channel] ?? 1)));
    }
  return weights;
}

/** By channel of a group: the columns of a layer's weights that read it. */
function columnsByChannel(network: Network, layer: Layer, group: number): number[][] {
  const columns = Array.from({ length: widthOf(network, group, 0) }, (): number[] => []);
  let start = 0;
  for (const [segment, each] of valueAt(network.topology, layer.input).segments.entries()) {
    const wide = columnsPerChannel(network.topology, layer, segment);
    if (each.group === group)
      for (const [channel, own] of columns.entries())
        own.push(...Array.from({ length: wide }, (_, k) => start + channel * wide + k));
    start += widthOf(network, each.group, 0) * wide;
  }
  return columns;
}

function partOf(network: Network, step: WeightedStep): Part {
  const [part] = rowsOf(network, step)[0]?.parts ?? [];
  if (!part) throw new Error(`Cannot prune ${step.name}: it has no weights`);
  return part;
}

/** With channels that put out 0 whatever is read, and that nothing reads. */
function without(network: Network, gone: Gone): Network {
  const rows = weightedSteps(network).map((step): [string, Rows[]] => {
    const { segments } = valueAt(network.topology, step.output);
    const columns =
      step.kind === 'layer'
        ? [...gone].flatMap(([group, channels]) => {
            const byChannel = columnsByChannel(network, step, group);
            return channels.flatMap((channel) => byChannel[channel] ?? []);
          })
        : [];
    const each = rowsOf(network, step).map((one) => {
      const channels = gone.get(segments[one.segment]?.group ?? -1) ?? [];
      return { ...one, parts: one.parts.map((part) => emptied(part, channels, columns)) };
    });
    return [step.name, each];
  });
  return { ...network, rows: new Map(rows) };
}

function emptied(part: Part, channels: readonly number[], columns: readonly number[]): Part {
  const weight = { ...part.weight, data: part.weight.data.slice() };
  const bias = part.bias?.slice() ?? null;
  for (const channel of channels) {
    row(weight, channel).fill(0);
    if (bias) bias[channel] = 0;
  }
  for (let channel = 0; channel < weight.rows; channel += 1) {
    const own = row(weight, channel);
    for (const column of columns) own[column] = 0;
  }
  return { ...part, weight, bias };
}
