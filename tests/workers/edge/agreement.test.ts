import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../../shared/tensor.ts';
import { compareOutputs, predictedClasses } from '../../../workers/edge/agreement.ts';

const scores = (...rows: number[][]): Tensor => ({
  dtype: 'float64',
  dims: [rows.length, rows[0]?.length ?? 0],
  data: Float64Array.from(rows.flat()),
});
const compare = (a: Tensor, b: Tensor) => compareOutputs('digit', a, b);

/** By the definition, with probabilities. */
function divergence(a: number[], b: number[]): number {
  const softmax = (row: number[]): number[] => {
    const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
    return row.map((value) => Math.exp(value) / total);
  };
  const [p, q] = [softmax(a), softmax(b)];
  return p.reduce((sum, pi, i) => sum + pi * Math.log(pi / (q[i] ?? NaN)), 0);
}
const row = (seed: number): number[] => Array.from({ length: 5 }, (_, i) => 3 * Math.sin(seed * 7 + i * 1.3));

describe('compareOutputs()', () => {
  test('counts equal answers, the largest difference and the mean divergence', () => {
    const [a, b] = [
      [row(1), row(2), row(3)],
      [row(1), row(4), row(5)],
    ];
    const largest = Math.max(...a.flat().map((value, i) => Math.abs(value - (b.flat()[i] ?? NaN))));
    const kl = a.reduce((sum, one, i) => sum + divergence(one, b[i] ?? []), 0) / 3;
    const answer = compare(scores(...a), scores(...b));
    expect(answer).toMatchObject({ samples: 3, maxDifference: largest });
    expect(answer?.kl).toBeCloseTo(kl, 12);
    const best = (values: number[]): number => values.indexOf(Math.max(...values));
    expect(answer?.top1Matches).toBe(a.filter((one, i) => best(one) === best(b[i] ?? [])).length);
  });

  test('finds nothing between equal outputs, nor a divergence between scores that differ by a constant', () => {
    const equal = scores(row(1), row(2));
    expect(compare(equal, equal)).toEqual({ samples: 2, top1Matches: 2, maxDifference: 0, kl: 0 });
    const shifted = scores(row(1).map((value) => value + 100));
    const answer = compare(scores(row(1)), shifted);
    expect(answer?.top1Matches).toBe(1);
    expect(answer?.maxDifference).toBeCloseTo(100, 10);
    expect(answer?.kl).toBeLessThan(1e-12);
  });

  test('stays finite where probabilities underflow', () => {
    // Certain of different classes: the divergence is the difference of the scores.
    const answer = compare(scores([2000, 0]), scores([0, 2000]));
    expect(answer).toEqual({ samples: 1, top1Matches: 0, maxDifference: 2000, kl: 2000 });
  });

  test('tells broken outputs as the largest difference there is', () => {
    for (const broken of [NaN, Infinity]) {
      expect(compare(scores([1, 2, 3]), scores([1, broken, 3]))).toMatchObject({
        maxDifference: Number.MAX_VALUE,
        kl: null,
      });
    }
    expect(compare(scores([NaN, 1]), scores([NaN, 1]))).toMatchObject({ maxDifference: 0, kl: null });
  });

  test('compares numbers that are not scores of classes', () => {
    const plain = { top1Matches: null, kl: null };
    expect(compare(scores([1], [2]), scores([1], [5]))).toEqual({ samples: 2, maxDifference: 3, ...plain });
    const integers = (...values: bigint[]): Tensor => ({
      dtype: 'int64',
      dims: [3],
      data: BigInt64Array.from(values),
    });
    expect(compare(integers(1n, 2n, 3n), integers(1n, 2n, 13n))).toEqual({
      samples: 3,
      maxDifference: 10,
      ...plain,
    });
    const image = (value: number): Tensor => ({
      dtype: 'float32',
      dims: [1, 2, 2],
      data: Float32Array.of(0, 0, 0, value),
    });
    expect(compare(image(0), image(0.5))).toEqual({ samples: 1, maxDifference: 0.5, ...plain });
  });

  test('leaves out what is not numbers', () => {
    const text: Tensor = { dtype: 'string', dims: [1], data: ['boot'] };
    const half: Tensor = { dtype: 'float16', dims: [1, 2], data: Uint16Array.of(1, 2) };
    expect(compare(text, text)).toBe(null);
    expect(compare(half, half)).toBe(null);
  });

  test('refuses outputs of different shapes', () => {
    expect(() => compare(scores([1, 2]), scores([1, 2, 3]))).toThrow(
      'Cannot compare "digit": the reply has shape [1, 2], the shadow [1, 3]',
    );
  });
});

describe('predictedClasses()', () => {
  test('names the first largest output of each sample', () => {
    expect(predictedClasses(scores([0, 3, 1], [5, 5, 1], [-3, -2, -1]))).toEqual([1, 0, 2]);
    expect(predictedClasses(scores([NaN, NaN]))).toEqual([0]);
  });

  test('leaves out samples beyond 256', () => {
    const many = Array.from({ length: 300 }, (_, i) => [i % 2, 0.5]);
    expect(predictedClasses(scores(...many))).toHaveLength(256);
  });

  test('knows none where outputs are not scores of classes', () => {
    expect(predictedClasses(scores([1], [2]))).toBe(null);
    expect(predictedClasses({ dtype: 'string', dims: [1, 2], data: ['a', 'b'] })).toBe(null);
    expect(predictedClasses({ dtype: 'float32', dims: [0, 10], data: new Float32Array(0) })).toBe(null);
  });
});
