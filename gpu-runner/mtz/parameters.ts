import type { Tensor } from '../../shared/tensor.ts';
import { rolesOf } from '../engine/parameters.ts';
import { matrix } from '../linalg/matrix.ts';
import {
  rowsOf,
  tasksUsing,
  weightedSteps,
  type Network,
  type Part,
  type Rows,
  type WeightedStep,
} from './network.ts';
import { label } from './taskSet.ts';
import { valueAt } from './topology.ts';

/** A part's tensors as graphs hold them. */
export interface PartTensors {
  readonly weight: { readonly name: string; readonly dims: readonly number[] };
  readonly bias: { readonly name: string; readonly dims: readonly number[] };
}

/** E.g. "conv1.digit+fashion.weight"; while the weights are not merged, "conv1.digit+fashion.for.digit.weight". */
export function partTensors(network: Network, step: WeightedStep, rows: Rows, part: Part): PartTensors {
  const { segments } = valueAt(network.topology, step.output);
  const stem = [
    step.name,
    ...(segments.length > 1 ? [`segment${rows.segment}`] : []),
    label(rows.tasks, network.tasks),
    ...(part.use === tasksUsing(rows) ? [] : ['for', label(part.use, network.tasks)]),
  ].join('.');
  const channels = part.weight.rows;
  const kernel = step.convolution?.kernel ?? [];
  const area = kernel.reduce((product, extent) => product * extent, 1);
  const dims =
    step.kind === 'layer' ? [channels, part.weight.cols / area, ...kernel] : [channels, 1, ...kernel];
  const isScale = step.kind === 'channelwise' && !step.convolution;
  return {
    weight: { name: `${stem}.weight`, dims: isScale ? [channels] : dims },
    bias: { name: `${stem}.bias`, dims: [channels] },
  };
}

/** All parts, with the step and rows that they belong to. */
export function* partsOf(network: Network): Generator<{ step: WeightedStep; rows: Rows; part: Part }> {
  for (const step of weightedSteps(network))
    for (const rows of rowsOf(network, step)) for (const part of rows.parts) yield { step, rows, part };
}

/** The names of all weights and biases in the network's graphs, those of the tails not among them. */
export function parameterNames(network: Network): string[] {
  return [...partsOf(network)].flatMap(({ step, rows, part }) => {
    const { weight, bias } = partTensors(network, step, rows, part);
    return part.bias ? [weight.name, bias.name] : [weight.name];
  });
}

/** Those of them that pruning may have set to 0: the weights, and those that the tails read as weights. */
export function weightNames(network: Network): string[] {
  const own = [...partsOf(network)].map(
    ({ step, rows, part }) => partTensors(network, step, rows, part).weight.name,
  );
  const ofTails = network.tails.flatMap((tail, task) =>
    tail
      ? [...rolesOf(tail.graph)].flatMap(([name, role]) =>
          role === 'weight' ? [tailName(network, task, name)] : [],
        )
      : [],
  );
  return [...own, ...ofTails];
}

/**
 * The same network with the weights that a graph of it holds, those of the tails included.
 *
 * @param isUnread tells the weights of channels that nothing reads, which a graph does not hold: they stay as they are
 * @throws {Error} when another one is missing or has another size.
 */
export function withParameters(
  network: Network,
  parameters: ReadonlyMap<string, Tensor>,
  isUnread: (name: string) => boolean = () => false,
): Network {
  const values = (name: string, length: number): Float64Array => {
    const tensor = parameters.get(name);
    if (tensor?.dtype !== 'float32' || tensor.data.length !== length) {
      throw new Error(`Cannot take over "${name}": the graph does not hold its ${length} float32 values`);
    }
    return new Float64Array(tensor.data);
  };
  const rows = new Map(
    weightedSteps(network).map((step) => [
      step.name,
      rowsOf(network, step).map((each) => ({
        ...each,
        parts: each.parts.map((part) => {
          const names = partTensors(network, step, each, part);
          const { rows: channels, cols } = part.weight;
          // Where nothing is read in common, all that is shared is the bias.
          const told = cols > 0 ? names.weight.name : names.bias.name;
          if (!parameters.has(told) && isUnread(told)) return part;
          return {
            ...part,
            weight: cols > 0 ? matrix(channels, cols, values(told, channels * cols)) : part.weight,
            bias: part.bias && values(names.bias.name, channels),
          };
        }),
      })),
    ]),
  );
  const tails = network.tails.map((tail, task) => {
    if (!tail) return tail;
    const graph = tail.graph.clone();
    for (const name of graph.initializers.keys()) {
      const trained = parameters.get(tailName(network, task, name));
      if (trained) graph.initializers.set(name, trained);
    }
    return { ...tail, graph };
  });
  return { ...network, rows, tails };
}

/** What a value of a task's tail is called in the network's graphs. */
export const tailName = (network: Pick<Network, 'tasks'>, task: number, name: string): string =>
  `${network.tasks[task] ?? task}.tail.${name}`;
