import { describe, expect, it } from 'vitest';
import { Random } from '../../../gpu-runner/engine/random.ts';

const draw = <T>(count: number, next: () => T): T[] => Array.from({ length: count }, next);

describe('Random', () => {
  it('repeats itself for the same seed and stream, and for no other', () => {
    const words = (...words: [number, ...number[]]): string => {
      const random = new Random(...words);
      return draw(4, () => random.uint32()).join();
    };
    expect(words(1)).toBe(words(1));
    const different = [
      words(1),
      words(2),
      words(-1),
      words(2 ** 32 + 1),
      words(1, 0),
      words(1, 1),
      words(0, 1),
      words(1, 0, 0),
    ];
    expect(new Set(different).size).toBe(different.length);
  });

  it('keeps its sequence, so that published runs can be repeated', () => {
    const random = new Random(42);
    expect(draw(3, () => random.uint32())).toEqual([3198465980, 879749982, 3095761882]);
  });

  it('follows xoshiro128**: the sequence from state 1, 2, 3, 4', () => {
    const random = new Random(0);
    Object.assign(random, { state: Uint32Array.of(1, 2, 3, 4) });
    // By hand: 2 * 5 rotated by 7 times 9 is 11,520; then the state is 7, 0, 1026, 12,288.
    expect(draw(4, () => random.uint32())).toEqual([11520, 0, 5927040, 70819200]);
  });

  it('draws uniform numbers with the right mean and variance, in all parts of the interval', () => {
    const random = new Random(3);
    const values = draw(40_000, () => random.uniform(-1, 3));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    // Five standard errors: 4 / sqrt(12) / sqrt(40,000) = 0.0058 for the mean.
    expect(Math.abs(mean - 1)).toBeLessThan(0.029);
    expect(Math.abs(variance - 16 / 12)).toBeLessThan(0.03);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...values)).toBeLessThan(3);
  });

  it('draws normal numbers with the moments of the normal distribution', () => {
    const random = new Random(4);
    const values = draw(40_000, () => random.normal());
    const moment = (power: number): number =>
      values.reduce((sum, value) => sum + value ** power, 0) / values.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.025);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.036);
    expect(Math.abs(moment(3))).toBeLessThan(0.1);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.25);
  });

  it('draws every whole number below a bound equally often', () => {
    const random = new Random(5);
    const counts = new Array<number>(7).fill(0);
    for (const value of draw(70_000, () => random.integer(7))) counts[value] = (counts[value] ?? 0) + 1;
    // Five standard deviations of a binomial count: 5 sqrt(70,000 / 7 * 6 / 7) = 463.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(463);
  });

  it('puts every element in every place', () => {
    const places = new Set<string>();
    for (let seed = 0; seed < 200; seed += 1) {
      const order = new Random(seed).permutation(4);
      expect(Array.from(order).toSorted()).toEqual([0, 1, 2, 3]);
      places.add(order.join());
    }
    expect(places.size).toBe(24);
  });

  it('refuses seeds and bounds that are not whole numbers', () => {
    expect(() => new Random(0.5)).toThrow('Cannot seed a generator with 0.5');
    expect(() => new Random(1, NaN)).toThrow('Cannot seed a generator with NaN');
    expect(() => new Random(1).integer(0)).toThrow('Cannot draw an integer below 0');
    expect(() => new Random(1).integer(2.5)).toThrow('Cannot draw an integer below 2.5');
  });
});
