import type { Timing } from '../../../../../client/serverTiming.ts';

export interface TimedPart {
  readonly part: string;
  readonly ms: number;
  readonly kind: 'load' | 'trunk' | 'head';
}

/** What the edge did for a request, in its order; several runs of one part are one. */
export function timedParts(timing: readonly Timing[]): TimedPart[] {
  const parts = new Map<string, TimedPart>();
  for (const { name, ms, description } of timing) {
    const kind = name === 'load' ? 'load' : name === 'trunk' ? 'trunk' : 'head';
    const part = kind === 'load' ? `loading ${description || 'the bundle'}` : name.replace(/^head-/, 'head ');
    parts.set(part, { part, kind, ms: (parts.get(part)?.ms ?? 0) + ms });
  }
  return [...parts.values()];
}

/** Whether the clock stood still: on Cloudflare it does while a Worker computes. */
export const isStill = (parts: readonly TimedPart[]): boolean =>
  parts.length > 0 && parts.every(({ ms }) => ms === 0);
