import { beforeAll, describe, expect, test } from 'vitest';
import { sharingCost } from '../../../gpu-runner/mtz/cost.ts';
import { isFactored, type FactoredGram } from '../../../gpu-runner/mtz/factoredGram.ts';
import { formBlocks } from '../../../gpu-runner/mtz/formBlocks.ts';
import { measureGram } from '../../../gpu-runner/mtz/gram.ts';
import { measureFactored } from '../../../gpu-runner/mtz/measureFactored.ts';
import { layerGramsIn, mergeStep } from '../../../gpu-runner/mtz/mergeStep.ts';
import { rowsOf, type Network, type WeightedStep } from '../../../gpu-runner/mtz/network.ts';
import { gramBytesOf, measureStep, type StepGram } from '../../../gpu-runner/mtz/stepGrams.ts';
import { damp, gramOfBlocks } from '../../../gpu-runner/mtz/taskGram.ts';
import { everyEntry, relativeDifference } from './factored.ts';
import { randomMatrix } from '../linalg/samples.ts';
import { convInput, convNet, denseNet } from './nets.ts';
import { joined, pair, randomSamples, stepNamed } from './networks.ts';

const samples = Uint32Array.from({ length: 20 }, (_, index) => index);
const data = randomSamples(convInput, 20, 3);
const options = { samples, provider: 'cpu', damping: 1e-4, weight: 0.5 } as const;

describe('measureFactored', () => {
  let formed: Network;
  beforeAll(async () => {
    const network = joined([convNet(1), convNet(2)], 'crossed');
    // Three of five channels shared: what a task reads no longer lies in the order of its own network.
    const { formings } = await pair(network, 'conv2', 3);
    formed = formings.reduce(formBlocks, network);
  });

  test.each(['conv1', 'conv2', 'fc1', 'fc2'])(
    'measureFactored() of %s is the damped and weighed matrix that measureGram() measures',
    async (name) => {
      const step = stepNamed(formed, name);
      if (step.kind !== 'layer') throw new Error('no layer');
      const whole = damp(await measureGram(formed, step, 1, data, options), 1e-4, 0.5);
      const factored = await measureFactored(formed, step, 1, data, options);
      expect(relativeDifference(everyEntry(factored).data, whole.data)).toBeLessThan(1e-12);
    },
  );

  test('measureFactored() refuses no samples', async () => {
    const step = stepNamed(formed, 'fc1');
    if (step.kind !== 'layer') throw new Error('no layer');
    const none = { ...options, samples: new Uint32Array() };
    await expect(measureFactored(formed, step, 0, data, none)).rejects.toThrow(
      'Cannot measure fc1: there are no samples',
    );
  });
});

/** What a step of small networks costs whole is too much for this, but for a few samples it is enough. */
const little = 15_000;

const measured = (network: Network, step: WeightedStep, gramBytes?: number): Promise<StepGram[]> =>
  Promise.all(
    network.tasks.map((_, task) => {
      const own = randomSamples(network.topology.input.dims, 20, 50 + task);
      return measureStep(network, step, task, own, { ...options, gramBytes });
    }),
  );

describe('measureStep', () => {
  test('measureStep() takes the samples themselves where the matrix does not fit, fewer if need be', async () => {
    const network = joined([convNet(1), convNet(2)], 'crossed');
    const step = stepNamed(network, 'fc1');
    const [whole] = await measured(network, step);
    expect(whole && gramBytesOf(whole)).toBe(8 * 46 ** 2);
    const [factored] = await measured(network, step, little);
    if (factored?.kind !== 'layer' || !isFactored(factored.gram)) throw new Error('not factored');
    const count = factored.gram.factors[0]?.rows ?? 0;
    expect(count).toBeGreaterThan(1);
    expect(count).toBeLessThan(20);
    expect(gramBytesOf(factored)).toBe(8 * 46 * count);
    const few = await measured(network, step, 3000);
    expect(
      few.map((each) => each.kind === 'layer' && isFactored(each.gram) && each.gram.factors[0]?.rows),
    ).toEqual([1, 1]);
    await expect(measured(network, step, 1000)).rejects.toThrow(
      /^Cannot measure fc1: the Gram matrices of its 46/,
    );
  });

  test.each(['crossed', 'one-way'] as const)(
    'three nets with some channels shared are merged alike by matrices and by samples (%s)',
    async (wiring) => {
      const network = joined([denseNet(1), denseNet(2), denseNet(3)], wiring);
      const below = await pair(network, 'fc1', 4);
      let formed = below.formings.reduce(formBlocks, network);
      const above = await pair(formed, 'fc2', 3);
      formed = above.formings.reduce(formBlocks, formed);
      const step = stepNamed(formed, 'fc2');
      const whole = await measured(formed, step);
      const factored = await Promise.all(
        network.tasks.map(async (_, task): Promise<StepGram> => {
          if (step.kind !== 'layer') throw new Error('no layer');
          const own = randomSamples(network.topology.input.dims, 20, 50 + task);
          return { kind: 'layer', gram: await measureFactored(formed, step, task, own, options) };
        }),
      );
      const [one, other] = [await mergeStep(formed, step, whole), await mergeStep(formed, step, factored)];
      expect(Math.abs(other.cost - one.cost) / one.cost).toBeLessThan(1e-6);
      const weightsOf = (network: Network): number[] =>
        rowsOf(network, step).flatMap(({ parts }) => parts.flatMap(({ weight }) => [...weight.data]));
      expect(relativeDifference(weightsOf(other.network), weightsOf(one.network))).toBeLessThan(1e-6);
    },
  );
});

describe('gramOfBlocks', () => {
  test('gramOfBlocks() adds up factored matrices on the blocks asked for, in that order', async () => {
    const network = joined([denseNet(1), denseNet(2)], 'crossed');
    const { formings } = await pair(network, 'fc1', 4);
    const formed = formings.reduce(formBlocks, network);
    const step = stepNamed(formed, 'fc2');
    if (step.kind !== 'layer') throw new Error('no layer');
    const wholes = layerGramsIn(formed, step, await measured(formed, step));
    const factors = layerGramsIn(
      formed,
      step,
      await Promise.all(
        network.tasks.map(async (_, task): Promise<StepGram> => {
          const own = randomSamples(network.topology.input.dims, 20, 50 + task);
          return { kind: 'layer', gram: await measureFactored(formed, step, task, own, options) };
        }),
      ),
    );
    const common = wholes[0]?.inputs.filter(({ from }) => from === 3) ?? [];
    const sum = gramOfBlocks(
      factors.flatMap((each) => each ?? []),
      common,
    );
    const whole = gramOfBlocks(
      wholes.flatMap((each) => each ?? []),
      common,
    );
    if (!isFactored(sum) || isFactored(whole)) throw new Error('of another form');
    expect(relativeDifference(everyEntry(sum).data, whole.data)).toBeLessThan(1e-12);
    const own = wholes[0]?.inputs.filter(({ from }) => from === 1) ?? [];
    expect(own).toHaveLength(1);
    expect(() =>
      gramOfBlocks(
        factors.flatMap((each) => each ?? []),
        own,
      ),
    ).toThrow(/Cannot add up factored Gram matrices: a task has 1 of \d+ inputs/);
    const mixed = [factors[0], wholes[1]].flatMap((each) => each ?? []);
    expect(() => gramOfBlocks(mixed, common)).toThrow('Cannot add up Gram matrices: only some are factored');
    expect(() => gramOfBlocks(mixed.toReversed(), common)).toThrow('only some are factored');
  });

  test('the cost of few samples comes near that of many', async () => {
    // What choosing fewer samples costs in accuracy: it falls with their number, and is nothing for all of them.
    const network = joined([denseNet(1), denseNet(2)], 'crossed');
    const step = stepNamed(network, 'fc1');
    if (step.kind !== 'layer') throw new Error('no layer');
    const own = randomSamples(network.topology.input.dims, 400, 1);
    const of = (task: number, count: number): Promise<FactoredGram> =>
      measureFactored(network, step, task, own, {
        ...options,
        samples: Uint32Array.from({ length: count }, (_, index) => (index * 7 + task) % 400),
      });
    const [a, b] = [randomMatrix(5, 7, 1), randomMatrix(5, 7, 2)];
    const costOf = async (count: number): Promise<Float64Array> =>
      (await sharingCost(a, b, await of(0, count), await of(1, count))).data;
    const exact = await costOf(400);
    const errors: number[] = [];
    for (const count of [5, 40, 200]) errors.push(relativeDifference(await costOf(count), exact));
    expect(errors[1]).toBeLessThan(errors[0] ?? 0);
    expect(errors[2]).toBeLessThan(0.2);
  });
});
