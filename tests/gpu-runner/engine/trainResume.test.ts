/** A run that is stopped anywhere and goes on from its last checkpoint ends with the bits of one that never was. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { augmented, flipped, shifted } from '../../../gpu-runner/engine/augment.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../../gpu-runner/engine/checkpointFile.ts';
import { joined } from '../../../gpu-runner/engine/pieces.ts';
import type { Objective } from '../../../gpu-runner/engine/objective.ts';
import { identifyRun } from '../../../gpu-runner/engine/runIdentity.ts';
import { train, type TrainOptions, type TrainResult } from '../../../gpu-runner/engine/train.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { convNet, patterns } from './tinyNets.ts';

const bits = (graph: Graph): Record<string, number[]> =>
  Object.fromEntries([...graph.initializers].map(([name, { data }]) => [name, Array.from(data, Number)]));

const objective: Objective = {
  ...{ input: 'image', output: 'logits', loss: 'softmax-cross-entropy' },
  data: augmented(patterns(40), [flipped(), shifted(1)], 2),
  validation: patterns(20, 9),
};
const mask: Tensor = {
  dtype: 'uint8',
  dims: [64, 3],
  data: Uint8Array.from({ length: 192 }, (_, i) => (i % 5 ? 1 : 0)),
};
/** Everything at once: Dropout, statistics, two objectives of other batches, adaptive weights, masks, a teacher. */
const options = (overrides: Partial<TrainOptions> = {}): TrainOptions => ({
  graph: convNet(),
  objectives: [
    objective,
    {
      ...objective,
      data: patterns(30, 7),
      batchSize: 5,
      teacher: { graph: convNet(3), distillation: 0.5, temperature: 2 },
    },
  ],
  steps: 24,
  batchSize: 8,
  optimiser: { kind: 'adamw', weightDecay: 0.01 },
  schedule: { learningRate: 0.02, warmUpSteps: 4 },
  clipNorm: 5,
  lossWeighting: { kind: 'dynamic-average', window: 3 },
  masks: new Map([['dense', mask]]),
  validation: { every: 4, patience: 100, metric: 'loss' },
  seed: 3,
  provider: 'cpu',
  threads: 1,
  ...overrides,
});

/** Runs until it is done, killed after each of `kills` more steps; only the bytes of the last checkpoint survive. */
async function runKilled(
  settings: TrainOptions,
  every: number,
  kills: readonly number[],
): Promise<TrainResult> {
  const run = await identifyRun(settings);
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  for (const lifetime of [...kills, Infinity]) {
    const from = bytes && (await decodeCheckpoint([bytes], run));
    let done = 0;
    try {
      return await train({
        ...settings,
        checkpoint: {
          ...{ from, every },
          save: async (state) => {
            bytes = joined(await encodeCheckpoint(state, run));
            if (done >= lifetime) throw new Error('Killed');
          },
        },
        onProgress: () => {
          done += 1;
          if (done > lifetime) throw new Error('Killed');
        },
      });
    } catch (error) {
      if (!(error instanceof Error && error.message === 'Killed')) throw error;
    }
  }
  throw new Error('It never ended');
}

describe('train()', () => {
  it('ends with the same bits however often it is killed, wherever', async () => {
    const whole = await train(options());
    const kills = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), kills, async (every, lifetimes) => {
        const resumed = await runKilled(options(), every, lifetimes);
        expect(bits(resumed.graph)).toEqual(bits(whole.graph));
        expect(resumed.best).toEqual(whole.best);
        expect(resumed.stopped).toEqual(whole.stopped);
        expect(resumed.losses).toEqual(whole.losses.slice(24 - resumed.losses.length));
      }),
      { numRuns: 10 },
    );
  });

  it('stops early at the same step when it was killed while it waited', async () => {
    const early = options({
      schedule: { learningRate: 0.3, decay: 'constant' },
      validation: { every: 1, patience: 6, metric: 'loss' },
      steps: 200,
    });
    const whole = await train(early);
    expect(whole.stopped.reason).toBe('patience');
    const { step } = whole.stopped;
    // The last one is killed after it stopped: what resumes then has nothing left to do.
    const resumed = await runKilled(early, 1, [step - 5, 2, 3]);
    expect(resumed.losses).toEqual([]);
    expect(resumed.stopped).toEqual(whole.stopped);
    expect(resumed.best).toEqual(whole.best);
    expect(bits(resumed.graph)).toEqual(bits(whole.graph));
  });

  it('refuses a state without what the run goes by', async () => {
    const state = { step: 1, parameters: new Float32Array(239), optimiser: {}, statistics: {} };
    await expect(train(options({ checkpoint: { from: state } }))).rejects.toThrow(
      /this run needs parameters \[239\]; gradientSum \[239\], squareSum \[239\]; .*; before \[2\], last \[2\], sum \[2\]/,
    );
  });

  it('stops within one step when a clock cancels it', async () => {
    const steps: number[] = [];
    const controller = new AbortController();
    let atAbort = NaN;
    const cancelled = train(
      options({
        steps: 100_000,
        validation: { every: 1000, patience: 10, metric: 'loss' },
        signal: controller.signal,
        onProgress: ({ step }) => {
          if (step === 1) {
            setTimeout(() => {
              atAbort = steps.length;
              controller.abort(new Error('Enough'));
            }, 5);
          }
          steps.push(step);
        },
      }),
    );
    await expect(cancelled).rejects.toThrow('Enough');
    expect(steps.length - atAbort).toBeLessThanOrEqual(1);
  });
});
