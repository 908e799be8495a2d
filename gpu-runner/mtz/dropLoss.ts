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
 * @param grams of its layers, by name, by task
 * @returns the loss for a plan; 0 for other wirings, which drop nothing
 */
export function dropLoss(
  network: Network,
  pairings: Pairings,
  grams: ReadonlyMap<string, readonly StepGram[]>,
): (plan: Plan) => number {
  if (network.wiring !== 'one-way') return () => 0;
  const drops = weightedSteps(network).flatMap((step): Drop[] => {
    const measured = grams.get(step.name);
    return step.kind === 'layer' && measured ? dropsOf(network, step, pairings, measured) : [];
  });
  return (plan) =>
    drops.reduce((sum, { output, input, lost }) => {
      return sum + (plan.get(output) ?? 0) * (lost[plan.get(input) ?? 0] ?? 0);
    }, 0);
}

function dropsOf(network: Network, step: Layer, pairings: Pairings, grams: readonly StepGram[]): Drop[] {
  const output = valueAt(network.topology, step.output).segments[0]?.group ?? -1;
  return valueAt(network.topology, step.input).segments.flatMap(({ group }, segment): Drop[] => {
    const pairing = pairings.get(group);
    if (!pairing) return [];
    const weights = network.tasks.map((_, task) => inputLosses(network, step, segment, task, grams[task]));
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

/** w'Hw / 2 of each channel of a segment that a task reads, mean over the channels that read it. */
function inputLosses(
  network: Network,
  step: Layer,
  segment: number,
  task: number,
  gram: StepGram | undefined,
): number[] {
  const part = ownPart(network, step, task);
  if (gram?.kind !== 'layer' || !part) return [];
  const placed = taskGramIn(network, step, task, gram.gram);
  const { group } = valueAt(network.topology, step.input).segments[segment] ?? { group: -1 };
  const width = blockOf(network, group, single(task))?.sources.length ?? 0;
  let start = 0;
  for (const input of placed.inputs) {
    if (input.segment === segment) {
      const wide = width === 0 ? 0 : input.columns / width;
      return Array.from({ length: width }, (_, channel) =>
        quadratic(part, placed.gram, start + channel * wide, wide),
      );
    }
    start += input.columns;
  }
  return [];
}

function quadratic(
  { weight }: Part,
  gram: { readonly cols: number; readonly data: Float64Array },
  start: number,
  wide: number,
): number {
  let loss = 0;
  for (let row = 0; row < weight.rows; row += 1) {
    for (let i = 0; i < wide; i += 1) {
      const wi = weight.data[row * weight.cols + start + i] ?? 0;
      for (let j = 0; j < wide; j += 1) {
        const wj = weight.data[row * weight.cols + start + j] ?? 0;
        loss += wi * wj * (gram.data[(start + i) * gram.cols + start + j] ?? 0);
      }
    }
  }
  return loss / (2 * Math.max(1, weight.rows));
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
