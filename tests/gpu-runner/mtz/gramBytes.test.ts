import { describe, expect, test } from 'vitest';
import { gramForm } from '../../../gpu-runner/mtz/gramForm.ts';
import { zip, type Zipped } from '../../../gpu-runner/mtz/zip.ts';
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

/** Zips two networks whose first dense layer reads 45 inputs: 118 kB of whole matrices. */
const zipped = (rest: Partial<Recipe>, gramBytes?: number): Promise<Zipped> =>
  zip(
    [1, 2].map((seed) => {
      const train = randomSamples(convInput, 24, 10 + seed);
      return { task: taskName(seed - 1), graph: convNet(seed), train };
    }),
    asked(rest),
    { provider: 'cpu', ...(gramBytes !== undefined && { gramBytes }) },
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

  test('a cap that not even one sample keeps to is refused, with the layer and the numbers', async () => {
    await expect(zipped({}, 5000)).rejects.toThrow(
      /^Cannot measure conv1: the Gram matrices of its 19 inputs would take .* GiB, one sample of 49 positions .* GiB; .* GiB are allowed$/,
    );
  });
});
