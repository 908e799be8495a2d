import type { LayerLosses } from './layerLosses.ts';
import { widthOf, type Network } from './network.ts';
import type { Plan } from './plan.ts';
import { layersOf, type Pairings } from './survey.ts';
import { inputGroup, inputOf, valueAt, type Layer, type Plain, type Step } from './topology.ts';

/** How far channels of a group are off, as a part of what they vary by. */
interface Errors {
  readonly shared: number;
  readonly own: number;
}

/** Of a value, by segment. */
interface ValueErrors {
  readonly segments: readonly Errors[];
  /** How many layers' results it is the sum of: in a sum each counts alike. */
  readonly terms: number;
}

/** A group of channels: what its pairs cost and how much of it is shared. */
interface GroupCosts {
  /** Summed cost of the k cheapest pairs, as a part of the spread of the layers that put the group out. */
  readonly costs: readonly number[];
  /** Which part of its channels are shared with k pairs, is k times this. */
  readonly partPerPair: number;
}

/**
 * Predicts how far a merged network's answers are off before retraining, as a part of what they vary by: errors that arise
 * where channels are merged are followed through the network.
 *
 * A shared channel is off by what its pair costs and by what it reads. One-way it reads shared channels only: they hand on
 * all that they are off by, and what is not read any more is lost. Whatever reads both kinds goes by the better of two
 * ways: it takes them as they are, or it makes up for the shared ones as far as the others tell what those would say. For
 * noise N on the shared ones and a loss C without them, N C / (N + C) is left of the two, the least squares of both.
 *
 * @param network untouched
 * @param layers of all its layers, by name
 * @returns the loss for a plan
 */
export function predictLoss(
  network: Network,
  pairings: Pairings,
  layers: ReadonlyMap<string, LayerLosses>,
): (plan: Plan) => number {
  const { topology, tails } = network;
  const groups = topology.groups.map((_, group) => groupCosts(network, group, pairings, layers));
  const ends = tails.map((tail) => tail?.reads ?? (topology.output === null ? [] : [topology.output]));
  return (plan) => {
    const flow = new ErrorFlow(network, groups, layers, plan);
    return mean(ends.map((reads) => mean(reads.map((value) => flow.at(value)))));
  };
}

const mean = (of: readonly number[]): number =>
  of.length === 0 ? 0 : of.reduce((sum, each) => sum + each, 0) / of.length;

function groupCosts(
  network: Network,
  group: number,
  pairings: Pairings,
  layers: ReadonlyMap<string, LayerLosses>,
): GroupCosts {
  const spread = layersOf(network, group).reduce((sum, { name }) => sum + (layers.get(name)?.spread ?? 0), 0);
  let sum = 0;
  const sorted = [...(pairings.get(group)?.costs ?? [])].sort((a, b) => a - b);
  const costs = [0, ...sorted.map((cost) => (sum += cost / (spread || 1)))];
  const widths = network.tasks.reduce((total, _, task) => total + widthOf(network, group, task), 0);
  return { costs, partPerPair: network.tasks.length / Math.max(1, widths) };
}

/** What every value of a network is off by under one plan. */
class ErrorFlow {
  private readonly network: Network;
  private readonly groups: readonly GroupCosts[];
  private readonly layers: ReadonlyMap<string, LayerLosses>;
  private readonly plan: Plan;
  private readonly values: ValueErrors[] = [{ segments: [{ shared: 0, own: 0 }], terms: 1 }];

  constructor(
    network: Network,
    groups: readonly GroupCosts[],
    layers: ReadonlyMap<string, LayerLosses>,
    plan: Plan,
  ) {
    this.network = network;
    this.groups = groups;
    this.layers = layers;
    this.plan = plan;
    for (const step of network.topology.steps) {
      const inputs = inputOf(step).flatMap((input) => this.values[input] ?? []);
      this.values[step.output] =
        step.kind === 'layer'
          ? { segments: [this.throughLayer(step, inputs[0]?.segments ?? [])], terms: 1 }
          : through(step, inputs);
    }
  }

  /** What a value is off by, taken as it is. */
  at(value: number): number {
    const errors = this.values[value]?.segments ?? [];
    const groups = valueAt(this.network.topology, value).segments.map(({ group }) => group);
    return mean(errors.map((each, segment) => mixed(each, this.sharedPart(groups[segment] ?? -1))));
  }

  /** Which part of a group's channels all tasks share: 0 to 1. The input's are everybody's. */
  private sharedPart(group: number): number {
    if (group === inputGroup) return 1;
    return Math.min(1, (this.plan.get(group) ?? 0) * (this.groups[group]?.partPerPair ?? 0));
  }

  private throughLayer(step: Layer, inputs: readonly Errors[]): Errors {
    const { topology, wiring } = this.network;
    const { segments } = valueAt(topology, step.input);
    let [own, shared] = [0, 0];
    for (const [segment, { group }] of segments.entries()) {
      const errors = inputs[segment] ?? { shared: 0, own: 0 };
      const losses = this.layers.get(step.name)?.inputs[segment];
      const pairs = this.plan.get(group) ?? 0;
      const weight = losses?.weight ?? 1 / segments.length;
      own += read(errors, this.sharedPart(group), weight, losses?.withoutShared[pairs]);
      shared += weight * errors.shared + (losses?.withoutOwn[pairs] ?? 0);
    }
    const group = valueAt(topology, step.output).segments[0]?.group ?? -1;
    const pairs = this.plan.get(group) ?? 0;
    if (pairs === 0) return { shared: 0, own };
    const cost = (this.groups[group]?.costs[pairs] ?? 0) / this.sharedPart(group);
    return { shared: cost + (wiring === 'crossed' ? own : shared), own };
  }
}

/** What channels are off by that are taken as they are. */
const mixed = ({ shared, own }: Errors, part: number): number => part * shared + (1 - part) * own;

/** What a channel is off by that reads both kinds of channels. */
function read(errors: Errors, part: number, weight: number, withoutShared: number | undefined): number {
  const asTheyAre = weight * mixed(errors, part);
  if (part === 0 || part === 1 || withoutShared === undefined) return asTheyAre;
  const noise = weight * part * errors.shared;
  const left = noise === 0 ? 0 : (noise * withoutShared) / (noise + withoutShared);
  return Math.min(asTheyAre, weight * errors.own + left);
}

/** What comes of a step without pairs of its own: what its weights cost is counted with the layers' of their group. */
function through(step: Exclude<Step, Layer>, inputs: readonly ValueErrors[]): ValueErrors {
  const [first = { segments: [], terms: 1 }] = inputs;
  if (step.kind === 'concat') return { segments: inputs.flatMap(({ segments }) => segments), terms: 1 };
  if (step.kind === 'select')
    return { segments: step.segments.flatMap((segment) => first.segments[segment] ?? []), terms: 1 };
  return step.kind === 'plain' && inputs.length > 1 ? combined(step, inputs) : first;
}

/** Factors add up what each is off by; the terms of a sum weigh alike. */
function combined({ op }: Plain, inputs: readonly ValueErrors[]): ValueErrors {
  const total = inputs.reduce((sum, { terms }) => sum + terms, 0);
  const isProduct = op === 'Mul' || op === 'Div';
  const weighed = (of: keyof Errors, segment: number): number =>
    inputs.reduce((sum, { segments, terms }) => {
      return sum + (isProduct ? 1 : terms / total) * (segments[segment]?.[of] ?? 0);
    }, 0);
  const segments = (inputs[0]?.segments ?? []).map((_, segment) => ({
    shared: weighed('shared', segment),
    own: weighed('own', segment),
  }));
  return { segments, terms: isProduct ? 1 : total };
}
