import { matrix, row, type Matrix } from '../linalg/matrix.ts';
import { shareChannel, sumOfChannels, type ChannelGrams } from './channelGrams.ts';
import { maskChannel } from './maskChannel.ts';
import { blockOf, rounded, roundedValues, widthOf, type Network, type Part, type Rows } from './network.ts';
import { members, type TaskSet } from './taskSet.ts';
import { valueAt, type Channelwise } from './topology.ts';

type Grams = readonly (ChannelGrams | undefined)[];

/** Which of a task's own channels at a step each channel of a block is. */
export function ownChannels(
  network: Network,
  step: Channelwise,
  segment: number,
  tasks: TaskSet,
  task: number,
): number[] {
  const { segments } = valueAt(network.topology, step.input);
  const before = segments
    .slice(0, segment)
    .reduce((sum, { group, area }) => sum + widthOf(network, group, task) * area, 0);
  const { group, area } = segments[segment] ?? { group: -1, area: 1 };
  const name = network.tasks[task] ?? '';
  return (blockOf(network, group, tasks)?.sources ?? []).flatMap((source) =>
    Array.from({ length: area }, (_, k) => before + (source[name] ?? 0) * area + k),
  );
}

/** The Gram matrices of a block's channels, summed over the tasks in `use`, one a channel. */
function gramsOf(
  network: Network,
  step: Channelwise,
  { segment, tasks }: Pick<Rows, 'segment' | 'tasks'>,
  use: TaskSet,
  grams: Grams,
): Float64Array[] {
  const own = members(use).flatMap((task) => {
    const of = grams[task];
    return of ? [{ of, channels: ownChannels(network, step, segment, tasks, task) }] : [];
  });
  const size = own[0]?.of.size ?? 0;
  const channels = own[0]?.channels.length ?? 0;
  return Array.from({ length: channels }, (_, channel) =>
    sumOfChannels(
      own.map((each) => ({ grams: each.of, channel: each.channels[channel] ?? 0 })),
      size,
    ),
  );
}

/** One channel's weights, bias last. */
const weightsOf = ({ weight, bias }: Part, channel: number): Float64Array =>
  Float64Array.of(...row(weight, channel), bias?.[channel] ?? 0);

/**
 * Cost of sharing every channel of one block with every channel of another, at a step that reads every channel by itself.
 *
 * @returns [channels of a, channels of b]
 */
export function channelCosts(
  network: Network,
  step: Channelwise,
  segment: number,
  [a, b]: readonly [Part, Part],
  [tasksA, tasksB]: readonly [TaskSet, TaskSet],
  grams: Grams,
): Matrix {
  const gramsA = gramsOf(network, step, { segment, tasks: tasksA }, a.use, grams);
  const gramsB = gramsOf(network, step, { segment, tasks: tasksB }, b.use, grams);
  const cost = matrix(gramsA.length, gramsB.length);
  for (const [i, gramA] of gramsA.entries()) {
    const own = weightsOf(a, i);
    for (const [j, gramB] of gramsB.entries()) {
      cost.data[i * cost.cols + j] = shareChannel(own, weightsOf(b, j), gramA, gramB).cost;
    }
  }
  return cost;
}

/** Two parts of a channelwise step as one that the tasks of both use, and the second-order loss that it adds. */
export function mergeChannelParts(
  network: Network,
  step: Channelwise,
  rows: Rows,
  a: Part,
  b: Part,
  grams: Grams,
): { parts: Part[]; cost: number } {
  const gramsA = gramsOf(network, step, rows, a.use, grams);
  const gramsB = gramsOf(network, step, rows, b.use, grams);
  const weight = matrix(a.weight.rows, a.weight.cols);
  const bias = new Float64Array(a.weight.rows);
  let cost = 0;
  for (let channel = 0; channel < weight.rows; channel += 1) {
    const [gramA, gramB] = [gramsA[channel], gramsB[channel]];
    if (!gramA || !gramB) throw new Error(`Cannot merge ${step.name}: channel ${channel} was not measured`);
    const shared = shareChannel(weightsOf(a, channel), weightsOf(b, channel), gramA, gramB);
    const own = row(weight, channel);
    own.set(shared.weights.subarray(0, weight.cols));
    if (network.sparse) maskChannel(own, row(a.weight, channel), row(b.weight, channel));
    bias[channel] = shared.weights[weight.cols] ?? 0;
    cost += shared.cost;
  }
  const merged = { weight: rounded(weight), bias: roundedValues(bias) };
  return { parts: [{ use: a.use | b.use, inputs: a.inputs, ...merged }], cost };
}
