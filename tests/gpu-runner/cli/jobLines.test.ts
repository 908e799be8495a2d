import { expect, test } from 'vitest';
import { progressLine } from '../../../gpu-runner/cli/jobLines.ts';

test('progressLine() says how fast retraining goes, and of which layer the time left is', () => {
  const retraining = { stage: 'retrain', layer: 'conv2', layerIndex: 1, layers: 4, step: 30, steps: 100 };
  const losses = { digit: 0.25, fashion: 0.5 };
  expect(progressLine({ ...retraining, losses, stepsPerSecond: 41.7, etaMs: 90_000 })).toBe(
    'layer 2 of 4, conv2: retrain 30/100, loss digit 0.250 fashion 0.500, 42 steps/s, 1 min 30 s left in this layer',
  );
  expect(progressLine({ ...retraining, stepsPerSecond: 0.42 })).toContain(', 0.42 steps/s');
});
