import type { Matching } from '../../shared/recipe.ts';
import { Random } from '../engine/random.ts';
import { matrix, plus, type Matrix } from '../linalg/matrix.ts';
import { sharingCost } from './cost.ts';
import { formBlocks, type Forming } from './formBlocks.ts';
import { match } from './matching.ts';
import { channelCosts } from './mergeChannels.ts';
import { mainPart, sidesOf } from './mergeLayer.ts';
import { channelGramsOf, layerGramsIn, mergeStep } from './mergeStep.ts';
import {
  blockOf,
  rowsOf,
  tasksUsing,
  tasksWith,
  weightedSteps,
  type Network,
  type Part,
  type WeightedStep,
} from './network.ts';
import { quoted, solving } from './solving.ts';
import type { StepGram } from './stepGrams.ts';
import { allOf, label, single, type TaskSet } from './taskSet.ts';
import { valueAt } from './topology.ts';

/** Which channels of a group become one, decided task after task. */
export interface Pairing {
  /** To be formed in this order. */
  readonly formings: readonly Forming[];
  /** Predicted second-order loss of each shared channel, in the order of the block that is formed last. */
  readonly costs: readonly number[];
}

export interface PairingOptions {
  readonly count: number;
  readonly matching: Matching;
  /** Of pairs that are chosen at random; default 1. */
  readonly seed?: number;
  /**
   * Measured, by the name of the step, by task; or what measures them when it is their turn, where not all fit at once.
   * Steps that are not here do not speak.
   */
  readonly grams: ReadonlyMap<string, StepGrams>;
}

/** By task. */
type StepGrams = readonly StepGram[] | (() => Promise<readonly StepGram[]>);

async function gramsOf(
  grams: ReadonlyMap<string, StepGrams>,
  { name }: WeightedStep,
): Promise<readonly StepGram[]> {
  const known = grams.get(name) ?? [];
  return typeof known === 'function' ? known() : known;
}

/** The steps that put a group's channels out and whose weights are to be shared. */
export const producersOf = (network: Pick<Network, 'topology'>, group: number): WeightedStep[] =>
  weightedSteps(network).filter(
    (step) =>
      !(step.kind === 'channelwise' && step.perTask) &&
      valueAt(network.topology, step.output).segments.some((segment) => segment.group === group),
  );

/**
 * Chooses the channels of a group that all tasks are to share: the pairs of least summed cost over all steps that put them
 * out, between the channels that the tasks before share and those of the next.
 *
 * @throws {Error} when a task has no channels left in the group, or fewer than `count`.
 */
export async function pairGroup(network: Network, group: number, options: PairingOptions): Promise<Pairing> {
  const { count, matching, grams, seed = 1 } = options;
  const producers = producersOf(network, group).filter(({ name }) => grams.has(name));
  const formings: Forming[] = [];
  let costs: number[] = [];
  let working = network;
  const having = tasksWith(network, group);
  // Tasks that were zipped before go on as one.
  for (let next = network.settled; next < network.tasks.length; next += 1) {
    const sides = [having & allOf(next), single(next)] as const;
    const cost = await groupCost(working, group, sides, producers, grams);
    const pairs = await match(cost, count, matching, new Random(seed, group, next));
    const forming = { group, sides, pairs };
    formings.push(forming);
    costs = pairs.map((pair) => pair.cost + (costs[pair.a] ?? 0));
    if (next === network.tasks.length - 1) break;
    working = formBlocks(working, forming);
    for (const step of producers) {
      working = (await mergeStep(working, step, await gramsOf(grams, step))).network;
    }
  }
  return { formings, costs };
}

/** The cost of sharing every channel of one side with every channel of the other, over all steps that put them out. */
async function groupCost(
  network: Network,
  group: number,
  sides: readonly [TaskSet, TaskSet],
  producers: readonly WeightedStep[],
  grams: ReadonlyMap<string, StepGrams>,
): Promise<Matrix> {
  const [a, b] = sides.map((tasks) => {
    const block = blockOf(network, group, tasks);
    if (block) return block;
    const name = network.topology.groups[group]?.name ?? String(group);
    throw new Error(`Cannot share channels of ${name}: ${label(tasks, network.tasks)} has none`);
  });
  const costs: { cost: Matrix; informed: boolean }[] = [];
  for (const step of producers) {
    costs.push(...(await stepCosts(network, group, sides, step, await gramsOf(grams, step))));
  }
  // A layer that reads nothing in common yet knows only the biases: it speaks when no other can.
  const informed = costs.filter((each) => each.informed);
  const speaking = informed.length > 0 ? informed : costs;
  return speaking.reduce(
    (sum, { cost }) => plus(sum, cost),
    matrix(a?.sources.length ?? 0, b?.sources.length ?? 0),
  );
}

async function stepCosts(
  network: Network,
  group: number,
  sides: readonly [TaskSet, TaskSet],
  step: WeightedStep,
  grams: readonly StepGram[],
): Promise<{ cost: Matrix; informed: boolean }[]> {
  const rows = rowsOf(network, step);
  const partOf = (segment: number, tasks: TaskSet): Part | undefined => {
    const found = rows.find((each) => each.segment === segment && each.tasks === tasks);
    return found && mainPart(found.parts, tasksUsing(found));
  };
  const { segments } = valueAt(network.topology, step.output);
  const both = sides[0] | sides[1];
  const solve = <T>(work: () => T | Promise<T>): Promise<T> => solving(network, step, both, grams, work);
  const found: { cost: Matrix; informed: boolean }[] = [];
  for (const [segment, of] of segments.entries()) {
    if (of.group !== group) continue;
    const [a, b] = [partOf(segment, sides[0]), partOf(segment, sides[1])];
    if (!a || !b) continue;
    if (step.kind === 'channelwise') {
      const cost = await solve(() =>
        channelCosts(network, step, segment, [a, b], sides, channelGramsOf(grams)),
      );
      found.push({ cost, informed: true });
      continue;
    }
    const { common, ...compared } = await solve(() =>
      sidesOf(network, a, b, layerGramsIn(network, step, grams)),
    );
    const cost = await solve(() =>
      sharingCost(compared.a.weights, compared.b.weights, compared.a.gram, compared.b.gram),
    );
    found.push({
      cost: plusLosses(cost, compared.a.losses, compared.b.losses),
      informed: common.length > 0,
    });
  }
  for (const { cost } of found) checkFinite(network, step, both, cost);
  return found;
}

function checkFinite(network: Network, step: WeightedStep, tasks: TaskSet, { data }: Matrix): void {
  const wrong = data.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
  if (wrong > 0)
    throw new Error(
      `Cannot zip ${step.name}: ${wrong} of the ${data.length} costs of sharing its channels among ${quoted(network, tasks)} are not finite: its weights are not, or retraining diverged (lower learningRate)`,
    );
}

function plusLosses(cost: Matrix, lossesA: Float64Array, lossesB: Float64Array): Matrix {
  const total = cost.data.map((value, index) => {
    return value + (lossesA[Math.floor(index / cost.cols)] ?? 0) + (lossesB[index % cost.cols] ?? 0);
  });
  return matrix(cost.rows, cost.cols, total);
}
