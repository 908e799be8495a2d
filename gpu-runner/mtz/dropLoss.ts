import { dot, region } from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';
import { diagonalBlock } from './factoredGram.ts';
import { blockOf, rowsOf, weightedSteps, type Network, type Part } from './network.ts';
import type { Pairing } from './pairing.ts';
import type { Plan } from './plan.ts';
import type { StepGram } from './stepGrams.ts';
import type { Pairings } from './survey.ts';
import { single } from './taskSet.ts';
import { taskGramIn } from './taskGram.ts';
import { valueAt, type Layer } from './topology.ts';

/** What a layer's shared channels lose with the channels of one group that they read and that stay apart. */
interface Drop {
  readonly output: number;
  readonly input: number;
  /** For each shared channel of the output: what is lost when all but the first k pairs of the input stay apart. */
  readonly lost: readonly number[];
}

/**
 * Predicts what the one-way wiring costs: shared channels stop reading channels that stay each task's own. Each dropped
 * input counts by itself, w'Hw / 2 with H its part of the Gram matrix, as if those that stay could not make up for it:
 * an upper bound but for inputs that cancel each other.
 *
 * @param network untouched
 * @param losses of its layers, by name
 * @returns the loss for a plan; 0 for other wirings, which drop nothing
 */
export function dropLoss(
  network: Network,
  pairings: Pairings,
  losses: ReadonlyMap<string, InputLosses>,
): (plan: Plan) => number {
  if (network.wiring !== 'one-way') return () => 0;
  const drops = weightedSteps(network).flatMap((step): Drop[] => {
    const own = losses.get(step.name);
    return step.kind === 'layer' && own ? dropsOf(network, step, pairings, own) : [];
  });
  return (plan) =>
    drops.reduce((sum, { output, input, lost }) => {
      return sum + (plan.get(output) ?? 0) * (lost[plan.get(input) ?? 0] ?? 0);
    }, 0);
}

function dropsOf(network: Network, step: Layer, pairings: Pairings, losses: InputLosses): Drop[] {
  const output = valueAt(network.topology, step.output).segments[0]?.group ?? -1;
  return valueAt(network.topology, step.input).segments.flatMap(({ group }, segment): Drop[] => {
    const pairing = pairings.get(group);
    if (!pairing) return [];
    const weights = network.tasks.map((_, task) => losses[segment]?.[task] ?? new Float64Array());
    const paired = sourcesOf(network, pairing);
    // The pair of least cost is shared first, so the dearest are the first to stay apart.
    const order = pairing.costs
      .map((_, index) => index)
      .sort((a, b) => (pairing.costs[a] ?? 0) - (pairing.costs[b] ?? 0));
    const pairLosses = order.map((index) =>
      weights.reduce((sum, of, task) => sum + (of[paired[index]?.[task] ?? -1] ?? 0), 0),
    );
    const all = weights.reduce((sum, of) => sum + of.reduce((total, value) => total + value, 0), 0);
    const lost = [all];
    for (const loss of pairLosses) lost.push(Math.max(0, (lost.at(-1) ?? 0) - loss));
    return [{ output, input: group, lost }];
  });
}

/** By segment of what a layer reads, by task: w'Hw / 2 of each channel, mean over the channels that read it. */
export type InputLosses = readonly (readonly Float64Array[])[];

/**
 * What channels of a layer would lose on average without each of their inputs.
 *
 * @param network untouched
 * @param grams of the layer, by task
 */
export async function inputLosses(
  network: Network,
  step: Layer,
  grams: readonly StepGram[],
): Promise<InputLosses> {
  const { segments } = valueAt(network.topology, step.input);
  const found: Float64Array[][] = [];
  for (const [segment, { group }] of segments.entries()) {
    const byTask: Float64Array[] = [];
    for (const [task, gram] of grams.entries()) {
      const width = blockOf(network, group, single(task))?.sources.length ?? 0;
      byTask.push(await segmentLosses(network, step, { segment, task, width }, gram));
    }
    found.push(byTask);
  }
  return found;
}

async function segmentLosses(
  network: Network,
  step: Layer,
  { segment, task, width }: { segment: number; task: number; width: number },
  gram: StepGram,
): Promise<Float64Array> {
  const part = ownPart(network, step, task);
  const losses = new Float64Array(width);
  if (gram.kind !== 'layer' || !part || width === 0) return losses;
  const placed = taskGramIn(network, step, task, gram.gram);
  const at = placed.inputs.findIndex((input) => input.segment === segment);
  const wide = (placed.inputs[at]?.columns ?? 0) / width;
  let start = placed.inputs.slice(0, at).reduce((sum, { columns }) => sum + columns, 0);
  for (let channel = 0; channel < width; channel += 1, start += wide) {
    const own = region(part.weight, 0, part.weight.rows, start, start + wide);
    const products = await multiply(own, own, { transposeA: true });
    const block = await diagonalBlock(placed.gram, start, start + wide);
    losses[channel] = dot(products.data, block.data) / (2 * Math.max(1, part.weight.rows));
  }
  return losses;
}

const ownPart = (network: Network, step: Layer, task: number): Part | undefined =>
  rowsOf(network, step).find(({ tasks }) => tasks === single(task))?.parts[0];

/** Of each pair, each task's own channel. */
function sourcesOf(network: Network, { formings }: Pairing): (readonly number[])[] {
  let sources: number[][] = [];
  for (const { pairs } of formings)
    sources = pairs.map(({ a, b }) => [...(sources.length === 0 ? [a] : (sources[a] ?? [])), b]);
  return sources.length > 0 ? sources : network.tasks.map(() => []);
}
