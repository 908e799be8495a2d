import { TrunklineError } from '../../shared/errors.ts';

export const etagOf = (revision: number): string => `"${revision}"`;

/** The revision that an If-Match header names ("0": the thing must be new), null without one or for "any". */
export function revisionOf(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined || ifMatch === '*') return null;
  const digits = /^(?:W\/)?"(\d{1,15})"$/.exec(ifMatch)?.[1];
  if (digits === undefined) {
    throw new TrunklineError(
      'invalid',
      `Cannot match revision ${ifMatch}: send the ETag, e.g. If-Match: "3".`,
    );
  }
  return Number(digits);
}
