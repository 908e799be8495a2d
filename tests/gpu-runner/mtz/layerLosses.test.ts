import { describe, expect, test } from 'vitest';
import { beside, matrix, row, type Matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { absorbDropped } from '../../../gpu-runner/mtz/absorb.ts';
import { isFactored } from '../../../gpu-runner/mtz/factoredGram.ts';
import { layerLosses, type LayerLosses } from '../../../gpu-runner/mtz/layerLosses.ts';
import { rowsOf, type Network } from '../../../gpu-runner/mtz/network.ts';
import type { Pairing } from '../../../gpu-runner/mtz/pairing.ts';
import { measureStep, type StepGram } from '../../../gpu-runner/mtz/stepGrams.ts';
import { valueAt, type Layer } from '../../../gpu-runner/mtz/topology.ts';
import { relativeDifference } from './factored.ts';
import { convNet, denseInput, denseNet, NetBuilder } from './nets.ts';
import { densenet } from './nets/densenet.ts';
import { gramsOf, groupNamed, joined, pair, randomSamples, stepNamed } from './networks.ts';

const layerNamed = (network: Network, name: string): Layer => {
  const step = stepNamed(network, name);
  if (step.kind !== 'layer') throw new Error(`${name} is no layer`);
  return step;
};

interface Judged {
  readonly step: Layer;
  readonly grams: readonly StepGram[];
  readonly pairing: Pairing;
  readonly losses: LayerLosses;
}

/** What a layer loses when some channels of the group that it reads are shared. */
async function judged(network: Network, name: string, group: string, pairs: number): Promise<Judged> {
  const step = layerNamed(network, name);
  const grams = await gramsOf(network, step);
  const pairing = await pair(network, group, pairs);
  const pairings = new Map([[groupNamed(network, group), pairing]]);
  return { step, grams, pairing, losses: await layerLosses(network, step, grams, pairings) };
}

/** [channels, inputs], the bias last. */
function weightsOf(network: Network, step: Layer, task: number): Matrix {
  const part = rowsOf(network, step).find(({ tasks }) => tasks === 1 << task)?.parts[0];
  if (!part?.bias) throw new Error('no weights');
  return beside([part.weight, matrix(part.weight.rows, 1, part.bias)], part.weight.rows);
}

/** What is lost when only some channels of the only segment stay and make up for the others, by definition. */
async function lossKeeping(
  network: Network,
  { step, grams }: Judged,
  kept: readonly (readonly number[])[],
  wide: number,
): Promise<number> {
  let sum = 0;
  for (const [task, channels] of kept.entries()) {
    const gram = grams[task];
    if (gram?.kind !== 'layer') throw new Error('no Gram matrix');
    const weights = weightsOf(network, step, task);
    const columns = channels.flatMap((channel) => Array.from({ length: wide }, (_, k) => channel * wide + k));
    const { losses } = await absorbDropped(weights, gram.gram, [...columns, weights.cols - 1]);
    sum += losses.reduce((total, loss) => total + loss, 0);
  }
  return sum;
}

describe('layerLosses', () => {
  test.each([
    ['conv2', 'conv1', 4, 9],
    ['fc1', 'conv2', 5, 9],
    ['fc2', 'fc1', 7, 1],
  ])('%s: without what it shares or what it does not, the others making up for it', async (...of) => {
    const [name, group, pairs, wide] = of;
    const network = joined([convNet(1), convNet(2, { [group]: pairs + 2 })], 'one-way');
    const found = await judged(network, name, group, pairs);
    const order = [...found.pairing.costs.keys()].sort(
      (a, b) => (found.pairing.costs[a] ?? 0) - (found.pairing.costs[b] ?? 0),
    );
    const { losses } = found;
    const [input] = losses.inputs;
    expect(input?.weight).toBe(1);
    expect(input?.withoutShared.length).toBe(pairs + 1);
    expect(input?.withoutOwn.length).toBe(pairs + 1);
    const widths = [pairs, pairs + 2];
    for (let k = 0; k <= pairs; k += 1) {
      const chosen = order.slice(0, k).flatMap((at) => found.pairing.formings[0]?.pairs[at] ?? []);
      const shared = [chosen.map(({ a }) => a), chosen.map(({ b }) => b)];
      const own = widths.map((width, task) =>
        [...Array(width).keys()].filter((channel) => !shared[task]?.includes(channel)),
      );
      const withoutOwn = await lossKeeping(network, found, shared, wide);
      const withoutShared = await lossKeeping(network, found, own, wide);
      expect((input?.withoutOwn[k] ?? NaN) * losses.spread).toBeCloseTo(withoutOwn, 6);
      expect((input?.withoutShared[k] ?? NaN) * losses.spread).toBeCloseTo(withoutShared, 6);
    }
  });

  test('the spread is half the variance of what the layer puts out, as its tasks weigh', async () => {
    const network = joined([denseNet(1), denseNet(2)], 'crossed');
    const step = layerNamed(network, 'fc1');
    const { spread } = await layerLosses(network, step, await gramsOf(network, step), new Map());
    let half = 0;
    for (const task of [0, 1]) {
      const weights = weightsOf(network, step, task);
      const data = randomSamples(denseInput, 60, 100 + task);
      const inputs = data.inputs(Array.from({ length: 60 }, (_, k) => k));
      for (let channel = 0; channel < weights.rows; channel += 1) {
        const own = row(weights, channel);
        const made = Array.from({ length: 60 }, (_, sample) =>
          own.reduce((sum, w, k) => sum + w * (k === 6 ? 1 : (inputs[sample * 6 + k] ?? NaN)), 0),
        );
        const mean = made.reduce((sum, value) => sum + value, 0) / 60;
        half += (0.5 * made.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / 60 / 2;
      }
    }
    expect(Math.abs(spread / half - 1)).toBeLessThan(1e-4);
  });

  test('what is read in several segments is weighed by what the layer makes of each', async () => {
    const network = joined([densenet({ seed: 1 }), densenet({ seed: 2 })], 'one-way');
    const step = layerNamed(network, 'transition1.conv');
    const { segments } = valueAt(network.topology, step.input);
    expect(segments.length).toBe(3);
    const { inputs } = await layerLosses(network, step, await gramsOf(network, step), new Map());
    expect(inputs.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
    for (const { weight, withoutShared, withoutOwn } of inputs) {
      expect(weight).toBeGreaterThan(0);
      // Without pairs nothing is shared, and a shared channel would lose the whole segment.
      expect(withoutShared).toEqual([]);
      expect(withoutOwn.length).toBe(1);
      expect(withoutOwn[0]).toBeGreaterThan(0);
    }
  });

  test('other wirings lose nothing that is not read, and a prefix shares nothing in part', async () => {
    const inputOf = async (wiring: 'crossed' | 'prefix') =>
      (await judged(joined([convNet(1), convNet(2)], wiring), 'conv2', 'conv1', 4)).losses.inputs[0];
    const crossed = await inputOf('crossed');
    expect([crossed?.withoutShared.length, crossed?.withoutOwn]).toEqual([5, []]);
    const prefix = await inputOf('prefix');
    expect([prefix?.withoutShared, prefix?.withoutOwn]).toEqual([[], []]);
  });

  test('of samples in place of a matrix it finds the same spread and nearly the same losses', async () => {
    const wideNet = (seed: number) =>
      new NetBuilder(seed, denseInput, 'vector').dense('fc1', 6, 40).op('Relu').dense('fc2', 40, 3).end();
    const network = joined([wideNet(1), wideNet(2)], 'one-way');
    const step = layerNamed(network, 'fc2');
    const samples = Uint32Array.from({ length: 12 }, (_, sample) => sample);
    const measured = (gramBytes: number): Promise<StepGram[]> =>
      Promise.all(
        [0, 1].map((task) =>
          measureStep(network, step, task, randomSamples(denseInput, 12, 100 + task), {
            ...{ samples, provider: 'cpu', damping: 1e-6, weight: 0.5, gramBytes },
          }),
        ),
      );
    const [whole, few] = [await measured(1e6), await measured(35_000)];
    const forms = [whole, few].map(([gram]) => gram?.kind === 'layer' && isFactored(gram.gram));
    expect(forms).toEqual([false, true]);
    const pairing = await pair(network, 'fc1', 40);
    const pairings = new Map([[groupNamed(network, 'fc1'), pairing]]);
    const [exact, sampled] = [
      await layerLosses(network, step, whole, pairings),
      await layerLosses(network, step, few, pairings),
    ];
    expect(relativeDifference([sampled.spread], [exact.spread])).toBeLessThan(1e-4);
    for (const what of ['withoutOwn', 'withoutShared'] as const) {
      const [known = [], found = []] = [exact.inputs[0]?.[what], sampled.inputs[0]?.[what]];
      expect(found.length).toBe(41);
      // With all there and with none; between, a line over a few points.
      expect(
        relativeDifference([found[0] ?? NaN, found[40] ?? NaN], [known[0] ?? NaN, known[40] ?? NaN]),
      ).toBeLessThan(1e-4);
      // Of 40 inputs, 12 samples know what any 12 others say: nothing is lost while so many stay.
      expect(known[20]).toBeLessThan(1e-3);
      expect(found[20]).toBeLessThan(1e-3);
    }
  });
});
