import type { Context } from '../context.ts';
import { pruneApart, type ApartSpec } from '../pruneApart.ts';
import { bestOf, type Choice, type Outcome } from '../zips.ts';

export const bestApart = (
  context: Context,
  candidates: readonly ApartSpec[],
): Promise<Choice<ApartSpec, Outcome>> => bestOf(context, candidates, pruneApart);

/** What is done to the networks, for who reads the table. */
export function apartName({ budget: { of, atMost } }: Pick<ApartSpec, 'budget'>): string {
  const percent = Number((100 * atMost).toFixed(1));
  return `every network pruned by itself to ${percent} % of its ${of === 'macs' ? 'multiply-adds' : of}`;
}
