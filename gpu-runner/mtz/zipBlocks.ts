import type { Matching } from '../../shared/recipe.ts';
import { matrix, selectRows, type Matrix } from '../linalg/matrix.ts';
import { absorbDropped, type Absorbed } from './absorb.ts';
import { sharingCost } from './cost.ts';
import { match, type Pair } from './matching.ts';
import { mergeBlocks, weightsOf } from './mergeBlocks.ts';
import { blockOf, inputBlocks, layerAt, type Block, type InputBlock, type Network } from './network.ts';
import { gramOfBlocks, type TaskGram } from './taskGram.ts';
import { contains, label, meets, members, type TaskSet } from './taskSet.ts';
import { sharedWeights } from './update.ts';

export interface ZipBlocksOptions {
  readonly count: number;
  readonly matching: Matching;
  /** Damped and weighted, by task number. */
  readonly grams: readonly TaskGram[];
}

/**
 * Shares `count` channels between two blocks of a layer: costs of all pairs, the best pairs, their common weights in
 * closed form.
 *
 * @throws {Error} when a block is missing or too small, or a task is on both sides.
 */
export async function zipBlocks(
  network: Network,
  index: number,
  [tasksA, tasksB]: readonly [TaskSet, TaskSet],
  { count, matching, grams }: ZipBlocksOptions,
): Promise<{ network: Network; pairs: Pair[] }> {
  const layer = layerAt(network, index);
  const name = (tasks: TaskSet): string => `${layer.shape.name} of ${label(tasks, network.tasks)}`;
  const [a, b] = [blockOf(layer, tasksA), blockOf(layer, tasksB)];
  if (!a) throw new Error(`Cannot share channels of ${name(tasksA)}: there are none`);
  if (!b) throw new Error(`Cannot share channels of ${name(tasksB)}: there are none`);
  if (meets(tasksA, tasksB))
    throw new Error(`Cannot share ${name(tasksA)} with ${name(tasksB)}: a task is in both`);

  const read = inputBlocks(network, index);
  const common = read
    .filter(({ tasks }) => a.edges.has(tasks) && b.edges.has(tasks))
    .filter(staysCommon(network, a, b));
  const stays = new Set(common.map(({ tasks }) => tasks));
  const apart = read.filter(({ tasks }) => !stays.has(tasks)).map(({ tasks }) => tasks);
  const drops = network.wiring === 'one-way';
  const gramsOf = (tasks: TaskSet): TaskGram[] => members(tasks).flatMap((task) => grams[task] ?? []);
  const sideOf = (block: Block): Promise<Absorbed> => {
    const dropped = drops ? read.filter(({ tasks }) => block.edges.has(tasks) && !stays.has(tasks)) : [];
    return withoutInputs(block, common, dropped, gramsOf(block.tasks));
  };
  const [sideA, sideB] = [await sideOf(a), await sideOf(b)];
  const [gramA, gramB] = [gramOfBlocks(gramsOf(tasksA), common), gramOfBlocks(gramsOf(tasksB), common)];

  const cost = await sharingCost(sideA.weights, sideB.weights, gramA, gramB);
  const pairs = match(plusLosses(cost, sideA.losses, sideB.losses), count, matching);
  const shared = await sharedWeights(
    selectRows(
      sideA.weights,
      pairs.map((pair) => pair.a),
    ),
    selectRows(
      sideB.weights,
      pairs.map((pair) => pair.b),
    ),
    gramA,
    gramB,
  );
  return {
    network: mergeBlocks(network, { index, a, b, pairs, common, shared, own: drops ? [] : apart }),
    pairs,
  };
}

/** One-way, shared channels read only blocks that all their tasks have. */
const staysCommon =
  ({ wiring }: Network, a: Block, b: Block) =>
  ({ tasks }: InputBlock): boolean =>
    wiring !== 'one-way' || contains(tasks, a.tasks | b.tasks);

/** A block's weights on the common inputs once the dropped ones are gone, and what that costs each channel. */
function withoutInputs(
  block: Block,
  common: readonly InputBlock[],
  dropped: readonly InputBlock[],
  grams: readonly TaskGram[],
): Promise<Absorbed> {
  // The dropped inputs go first so that the bias stays last, behind the common ones.
  const inputs = [...dropped, ...common];
  const lost = dropped.reduce((sum, { columns }) => sum + columns, 0);
  const weights = weightsOf(block, inputs);
  const kept = Array.from({ length: weights.cols - lost }, (_, k) => lost + k);
  return absorbDropped(weights, gramOfBlocks(grams, inputs), kept);
}

function plusLosses(cost: Matrix, lossesA: Float64Array, lossesB: Float64Array): Matrix {
  const total = cost.data.map((value, index) => {
    return value + (lossesA[Math.floor(index / cost.cols)] ?? 0) + (lossesB[index % cost.cols] ?? 0);
  });
  return matrix(cost.rows, cost.cols, total);
}
