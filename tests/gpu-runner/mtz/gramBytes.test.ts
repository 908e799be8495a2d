import { describe, expect, test } from 'vitest';
import { gramForm } from '../../../gpu-runner/mtz/gramForm.ts';
import { zip, type ZipOptions, type Zipped } from '../../../gpu-runner/mtz/zip.ts';
import { recipe, type Recipe } from '../../../shared/recipe.ts';
import { relativeDifference } from './factored.ts';
import { convInput, convNet } from './nets.ts';
import { randomSamples, taskName } from './networks.ts';

const asked = (rest: Partial<Recipe>): Recipe =>
  recipe.parse({
    wiring: 'one-way',
    share: { share: 1 },
    gramSamples: 24,
    damping: 1e-4,
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.001, distillation: 0 },
    ...rest,
  });

/** Zips two networks whose first dense layer reads 45 inputs: 140 kB of whole matrices. */
const zipped = (
  rest: Partial<Recipe>,
  gramBytes?: number,
  onProgress: ZipOptions['onProgress'] = () => undefined,
): Promise<Zipped> =>
  zip(
    [1, 2].map((seed) => {
      const train = randomSamples(convInput, 24, 10 + seed);
      return { task: taskName(seed - 1), graph: convNet(seed), train };
    }),
    asked(rest),
    { provider: 'cpu', gramBytes, onProgress },
  );

const weightsOf = ({ network }: Zipped): number[] =>
  [...network.rows.values()].flatMap((rows) =>
    rows.flatMap(({ parts }) => parts.flatMap(({ weight }) => [...weight.data])),
  );

describe('zip under a cap on its Gram matrices', () => {
  test.each([
    { share: { share: 1 } },
    { share: { share: 0.5 } },
    { budget: { of: 'parameters', atMost: 0.7 } },
  ] as const)('samples in place of matrices share the same channels and weights: %j', async (how) => {
    // The convolutions still are whole, the first dense layer no longer is.
    const fc1 = { name: 'fc1', inputs: 46, positions: 1, tasks: 2 };
    expect(gramForm(fc1, 24, 100_000)).toEqual({ kind: 'factored', samples: 24 });
    const [whole, capped] = [await zipped(how), await zipped(how, 100_000)];
    const channels = ({ sharing }: Zipped) => sharing.map((each) => [each.layer, each.channels]);
    expect(channels(capped)).toEqual(channels(whole));
    expect(relativeDifference(weightsOf(capped), weightsOf(whole))).toBeLessThan(1e-5);
    expect(
      capped.sharing.every(({ cost }, k) => Math.abs(cost / (whole.sharing[k]?.cost ?? 0) - 1) < 1e-4),
    ).toBe(true);
  });

  test('what did not fit is said: which layer, and by how many of the samples', async () => {
    expect((await zipped({})).notes).toEqual([]);
    expect((await zipped({}, 100_000)).notes).toEqual([
      'fc1 is measured by all 24 samples, its Gram matrices factored, made of the samples: 46 x 46 entries would not fit into 97.7 KiB',
    ]);
    const taken = new Map<string, string>();
    const { notes } = await zipped({}, 91_000, ({ layer, ...event }) => {
      if (event.stage === 'measure') taken.set(layer, `${event.samples} of ${event.of}`);
    });
    expect(notes).toEqual([
      'fc1 is measured by 23 of 24 samples: more would not fit into 88.9 KiB; its Gram matrices are factored, made of the samples in place of 46 x 46 entries',
    ]);
    expect([...taken]).toEqual([
      ['conv1', '24 of 24'],
      ['conv2', '24 of 24'],
      ['fc1', '23 of 24'],
    ]);
  });

  test('only layers that are measured are spoken of', async () => {
    const share = { conv1: { share: 1 } };
    // Nothing of fc1 is shared: it is measured to be fitted, and only then.
    expect((await zipped({ share, refit: false }, 91_000)).notes).toEqual([]);
    expect((await zipped({ share }, 91_000)).notes).toHaveLength(1);
  });

  test('a cap that not even one sample keeps to is refused, with the layer and the numbers', async () => {
    await expect(zipped({}, 5000)).rejects.toThrow(
      /^Cannot measure conv1: the Gram matrices of its 19 inputs would take 23.3 KiB, one sample of 49 positions .* KiB; 4.88 KiB are allowed: allow more memory for Gram matrices$/,
    );
  });
});
