import { expect, test } from 'vitest';
import { exposure, hashUnit } from '../../../shared/exposure.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { describeExposure, type Visit } from '../../../workers/edge/exposure.ts';
import { exposureOf } from '../../shared/exposures.ts';
import { routed } from './experiments.ts';
import { endpointOf, twoTaskManifest } from './fixtures.ts';

const experiment = routed({ revision: 4, phase: 6 });
const arm = experiment.arms[1];
if (!arm) throw new Error('two arms');
const digits: Tensor = { dtype: 'float32', dims: [2, 3], data: Float32Array.of(0, 1, 0, 5, 1, 2) };
const embedding: Tensor = { dtype: 'float32', dims: [2, 1], data: Float32Array.of(0, 1) };

/** A request whose trunk and first head were loaded. */
const visit: Visit = {
  requestId: 'request-1',
  at: new Date('2026-01-02T03:04:05Z'),
  endpoint: endpointOf(twoTaskManifest()),
  placement: { experiment, arm, reason: 'assigned', unit: 'ann' },
  asked: ['digit', 'fashion'],
  answer: {
    outputs: new Map([
      ['digit', digits],
      ['fashion', embedding],
    ]),
    steps: [
      { what: 'load', parts: [null, 'digit'], ms: 90, sizeBytes: 700 },
      { what: 'run', parts: [null], ms: 5, sizeBytes: 0 },
      { what: 'run', parts: ['digit'], ms: 2, sizeBytes: 0 },
      { what: 'load', parts: ['fashion'], ms: 10, sizeBytes: 50 },
      { what: 'run', parts: ['fashion'], ms: 1, sizeBytes: 0 },
    ],
  },
  error: null,
  totalMs: 110,
  heapBytes: 2 ** 24,
};

test('describeExposure() tells what a request met, took and got', async () => {
  const { shadow } = exposureOf();
  expect(exposure.parse(await describeExposure(visit, shadow))).toEqual({
    requestId: 'request-1',
    endpoint: 'pair',
    revision: 3,
    at: '2026-01-02T03:04:05.000Z',
    assignment: {
      experiment: 'merged-or-not',
      revision: 4,
      phase: 6,
      arm: 'merged',
      reason: 'assigned',
      unit: await hashUnit('pair', 'ann'),
    },
    tasks: ['digit', 'fashion'],
    predicted: { digit: [1, 0] },
    latencyMs: { total: 110, load: 100, trunk: 5, heads: 3 },
    bytesLoaded: 750,
    heapBytes: 2 ** 24,
    cold: true,
    error: null,
    shadow,
  });
});

test('describeExposure() names no unit in clear, and none where there is none', async () => {
  expect(JSON.stringify(await describeExposure(visit, null))).not.toContain('ann');
  const placement = { experiment, arm, reason: 'no-unit' as const, unit: null };
  const told = exposure.parse(await describeExposure({ ...visit, placement }, null));
  expect(told.assignment).toMatchObject({ reason: 'no-unit', unit: null });
  expect((await describeExposure({ ...visit, placement: null }, null)).assignment).toBe(null);
});

test('describeExposure() of a refused request tells why, and predicts nothing', async () => {
  const early = { ...visit, asked: [], answer: null, error: 'invalid' as const, heapBytes: 0 };
  expect(exposure.parse(await describeExposure(early, null))).toMatchObject({
    tasks: [],
    predicted: {},
    latencyMs: { total: 110, load: 0, trunk: 0, heads: 0 },
    bytesLoaded: 0,
    cold: false,
    error: 'invalid',
  });
  // Computed, and then too large to be sent.
  const late = exposure.parse(await describeExposure({ ...visit, error: 'too-large' }, null));
  expect(late).toMatchObject({ predicted: {}, bytesLoaded: 750, cold: true, error: 'too-large' });
});
