import type { ExperimentReport } from '../../../../../shared/experiment-report.ts';

/** What the edge counted of one arm. */
export interface TrafficRow {
  readonly experiment: string;
  readonly arm: string;
  readonly requests: number;
  /** Requests that had to load something first. */
  readonly cold: number;
  readonly errors: number;
  /** "unavailable 3, invalid 1", most first; empty: none. */
  readonly errorText: string;
  /** Milliseconds by quantile, where enough was measured. */
  readonly latency: readonly { readonly quantile: number; readonly ms: number }[];
}

/** A report's requests, all kinds of an arm together, beside its latency. */
export function trafficRows({ experiment, requests, latency }: ExperimentReport): TrafficRow[] {
  const arms = [...new Set(requests.map(({ arm }) => arm))];
  return arms.map((arm) => {
    const own = requests.filter((row) => row.arm === arm);
    const errors = new Map<string, number>();
    for (const row of own)
      for (const [code, count] of Object.entries(row.errors))
        errors.set(code, (errors.get(code) ?? 0) + count);
    return {
      experiment,
      arm,
      requests: own.reduce((sum, row) => sum + row.requests, 0),
      cold: own.reduce((sum, row) => sum + row.cold, 0),
      errors: [...errors.values()].reduce((sum, count) => sum + count, 0),
      errorText: [...errors]
        .toSorted(([, a], [, b]) => b - a)
        .map(([code, count]) => `${code} ${count}`)
        .join(', '),
      latency: latency
        .filter((row) => row.arm === arm)
        .flatMap(({ quantile, ms }) => (ms === null ? [] : [{ quantile, ms }]))
        .toSorted((a, b) => a.quantile - b.quantile),
    };
  });
}
