import type { Exposure } from '../../shared/exposure.ts';

/** A request that arm `merged` of experiment `merged-or-not` answered, with a shadow run. */
export function exposureOf(change: Partial<Exposure> = {}): Exposure {
  const agreement = { samples: 1, top1Matches: 1, maxDifference: 0.125, kl: 0.001 };
  return {
    requestId: 'request-1',
    endpoint: 'vision',
    revision: 1,
    at: '2026-01-02T03:04:05.000Z',
    assignment: {
      experiment: 'merged-or-not',
      revision: 1,
      phase: 1,
      arm: 'merged',
      reason: 'assigned',
      unit: '0123456789abcdef0123456789abcdef',
    },
    tasks: ['digit', 'clothing'],
    predicted: { digit: [7], clothing: [2] },
    latencyMs: { total: 2.5, load: 0, trunk: 1.5, heads: 0.5 },
    bytesLoaded: 0,
    heapBytes: 16_777_216,
    cold: false,
    error: null,
    shadow: {
      arm: 'separate',
      totalMs: 4,
      bytesLoaded: 0,
      error: null,
      tasks: { digit: agreement, clothing: agreement },
    },
    ...change,
  };
}
