import type { Context } from '../context.ts';
import { pruneApart, type ApartSpec } from '../pruneApart.ts';
import { validationOf, type Outcome } from '../zips.ts';

export interface ApartChoice {
  readonly spec: ApartSpec;
  readonly outcome: Outcome;
}

/** The candidate with the highest mean accuracy on validation samples; of equal ones the first. A quick look takes the first. */
export async function bestApart(context: Context, candidates: readonly ApartSpec[]): Promise<ApartChoice> {
  let best: ApartChoice | undefined;
  for (const spec of context.quick ? candidates.slice(0, 1) : candidates) {
    const outcome = await pruneApart(context, spec);
    if (!best || validationOf(outcome) > validationOf(best.outcome)) best = { spec, outcome };
  }
  if (!best) throw new Error('Cannot choose how to prune: there are no candidates');
  return best;
}

/** What is done to the networks, for who reads the table. */
export function apartName({ budget: { of, atMost } }: Pick<ApartSpec, 'budget'>): string {
  const percent = Number((100 * atMost).toFixed(1));
  return `every network pruned by itself to ${percent} % of its ${of === 'macs' ? 'multiply-adds' : of}`;
}
