import { describe, expect, test } from 'vitest';
import { prune, pruneLayer } from '../../../bench/zip/prune.ts';
import { lenet } from '../../../examples/lenet.ts';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { dot, matrix, plus, row, type Matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { multiply } from '../../../gpu-runner/linalg/multiply.ts';
import { absorbDropped } from '../../../gpu-runner/mtz/absorb.ts';
import { randomMatrix } from '../../gpu-runner/linalg/samples.ts';

const inputs = 9;
const weights = randomMatrix(4, inputs + 1, 1);

/** Of correlated inputs, well conditioned. */
async function correlated(): Promise<Matrix> {
  const x = randomMatrix(30, inputs + 1, 2);
  const mixed = await multiply(x, randomMatrix(inputs + 1, inputs + 1, 3));
  const gram = await multiply(mixed, mixed, { transposeA: true });
  return plus(gram, identity(inputs + 1));
}

function identity(n: number): Matrix {
  const result = matrix(n, n);
  for (let i = 0; i < n; i += 1) result.data[i * n + i] = 1;
  return result;
}

const isKept = (value: number): boolean => value !== 0;

/** Second-order loss of other weights. */
async function lossOf(pruned: Matrix, gram: Matrix): Promise<number> {
  const difference = plus(pruned, weights, -1);
  return dot((await multiply(difference, gram)).data, difference.data) / 2;
}

describe('pruneLayer()', () => {
  test('keeps the fraction that is asked for, and every bias', async () => {
    const pruned = await pruneLayer(weights, await correlated(), 0.25);
    const each = Array.from({ length: 4 }, (_, channel) => row(pruned, channel));
    expect(each.flatMap((values) => [...values.subarray(0, inputs)]).filter(isKept)).toHaveLength(9);
    expect(each.every((values) => values[inputs] !== 0)).toBe(true);
  });

  test('takes the smallest weights and changes no other where the inputs are uncorrelated', async () => {
    const pruned = await pruneLayer(weights, identity(inputs + 1), 0.5);
    const sizes = Array.from({ length: 4 }, (_, channel) => [...row(weights, channel).subarray(0, inputs)])
      .flat()
      .map(Math.abs)
      .sort((a, b) => b - a);
    for (let channel = 0; channel < 4; channel += 1) {
      const expected = row(weights, channel).map((w, q) =>
        q === inputs || Math.abs(w) >= (sizes[17] ?? 0) ? w : 0,
      );
      expect([...row(pruned, channel)]).toEqual([...expected]);
    }
  });

  test('leaves weights whose loss no change of them lowers', async () => {
    const gram = await correlated();
    const pruned = await pruneLayer(weights, gram, 0.5);
    const gradient = await multiply(plus(pruned, weights, -1), gram);
    for (const [index, value] of pruned.data.entries())
      if (isKept(value)) expect(Math.abs(gradient.data[index] ?? NaN)).toBeLessThan(1e-8);
  });

  test('takes the one weight that costs least when only one is taken', async () => {
    const gram = await correlated();
    const all = Array.from({ length: inputs + 1 }, (_, q) => q);
    const losses: number[] = [];
    for (let q = 0; q < inputs; q += 1)
      losses.push(...(await absorbDropped(weights, gram, all.toSpliced(q, 1))).losses);
    const pruned = await pruneLayer(weights, gram, 35 / 36);
    expect(pruned.data.filter(isKept)).toHaveLength(39);
    expect(await lossOf(pruned, gram)).toBeCloseTo(Math.min(...losses), 9);
  });

  test('refuses inputs whose Gram matrix is not positive definite', async () => {
    await expect(pruneLayer(weights, matrix(inputs + 1, inputs + 1), 0.5)).rejects.toThrow(
      'not positive definite',
    );
  });
});

test('prune() leaves the fraction in every layer of a network, and its inputs and outputs', async () => {
  const random = new Random(4);
  const data = memoryDataset({
    sampleDims: [1, 28, 28],
    classes: 3,
    labels: new Int32Array(40),
    inputs: Float32Array.from({ length: 40 * 784 }, () => random.uniform()),
  });
  const net = lenet('small', 3, 1, { conv1: 4, conv2: 5, dense: 10 });
  const pruned = await prune(net, data, {
    kept: [0.1, 0.1, 0.1, 0.5],
    gramSamples: 40,
    damping: 1e-3,
    seed: 1,
  });
  const weightsLeft = [...pruned.initializers.values()]
    .filter(({ dims }) => dims.length > 1)
    .map(({ data: values }) => [...values].filter((value) => Number(value) !== 0).length);
  expect(weightsLeft).toEqual([10, 50, 80, 15]);
  expect(pruned.inputs[0]?.dims).toEqual(net.inputs[0]?.dims);
  expect(pruned.outputs[0]?.dims).toEqual(['N', 3]);
});
