import { describe, expect, it } from 'vitest';
import {
  memoryDataset,
  orderedBatches,
  shuffledBatches,
  subset,
} from '../../../gpu-runner/engine/dataset.ts';

/** Sample i is [i, 100 + i], its label i mod 3. */
const counting = (size: number) =>
  memoryDataset({
    sampleDims: [2],
    classes: 3,
    labels: Int32Array.from({ length: size }, (_, index) => index % 3),
    inputs: Float32Array.from({ length: 2 * size }, (_, index) => (index % 2) * 100 + Math.floor(index / 2)),
  });

describe('memoryDataset()', () => {
  it('reads samples in the order asked for, as often as asked for', () => {
    expect(Array.from(counting(5).inputs([3, 0, 3]))).toEqual([3, 103, 0, 100, 3, 103]);
    expect(Array.from(counting(5).inputs(Uint32Array.of(4)))).toEqual([4, 104]);
  });

  it('refuses a sample it does not have', () => {
    expect(() => counting(5).inputs([5])).toThrow('Cannot read sample 5 of 5');
    expect(() => counting(5).inputs([-1])).toThrow('Cannot read sample -1 of 5');
  });

  it('refuses inputs that are not as many as the labels', () => {
    const broken = {
      sampleDims: [2, 2],
      classes: 3,
      labels: Int32Array.of(0, 1),
      inputs: new Float32Array(7),
    };
    expect(() => memoryDataset(broken)).toThrow('7 input values are not 2 samples of [2,2]');
  });

  it('refuses a label that is not a class', () => {
    const inputs = new Float32Array(2);
    for (const label of [3, -1]) {
      const labels = Int32Array.of(0, label);
      expect(() => memoryDataset({ sampleDims: [1], classes: 3, labels, inputs })).toThrow(
        `label ${label} of sample 1 is not one of 3 classes`,
      );
    }
  });
});

describe('subset()', () => {
  it('reads through to the samples chosen', () => {
    const chosen = subset(counting(6), [5, 1, 4]);
    expect(chosen).toMatchObject({ size: 3, sampleDims: [2], classes: 3, labels: Int32Array.of(2, 1, 1) });
    expect(Array.from(chosen.inputs([2, 0]))).toEqual([4, 104, 5, 105]);
    expect(Array.from(subset(chosen, [1]).inputs([0]))).toEqual([1, 101]);
  });

  it('refuses samples beyond the end', () => {
    expect(() => subset(counting(6), [6])).toThrow('Cannot choose sample 6 of 6');
    expect(() => subset(counting(6), [0]).inputs([1])).toThrow('Cannot read sample 1 of 1');
  });
});

describe('shuffledBatches()', () => {
  it('reads every sample at most once an epoch and drops the partial batch', () => {
    const batches = shuffledBatches(counting(11), 4, 1);
    expect(batches.perEpoch).toBe(2);
    const epoch = [...batches.indices(0), ...batches.indices(1)];
    expect(new Set(epoch).size).toBe(8);
    expect(epoch.every((index) => index < 11)).toBe(true);
  });

  it('takes a new order every epoch', () => {
    const batches = shuffledBatches(counting(50), 50, 1);
    expect(batches.indices(0).join()).not.toBe(batches.indices(1).join());
    expect(Array.from(batches.indices(1)).toSorted((a, b) => a - b)).toEqual(Array.from(Array(50).keys()));
  });

  it('is a function of seed and step, whatever was read before', () => {
    const [one, two] = [shuffledBatches(counting(20), 3, 9), shuffledBatches(counting(20), 3, 9)];
    const forward = Array.from({ length: 15 }, (_, step) => one.indices(step).join());
    const backward = Array.from({ length: 15 }, (_, step) => two.indices(14 - step).join());
    expect(backward.toReversed()).toEqual(forward);
    expect(shuffledBatches(counting(20), 3, 10).indices(0).join()).not.toBe(forward[0]);
  });

  it('refuses batches that the samples cannot fill', () => {
    expect(() => shuffledBatches(counting(10), 64, 1)).toThrow(
      'Cannot draw batches of 64: the data set has 10 samples',
    );
    expect(() => shuffledBatches(counting(10), 0, 1)).toThrow('Cannot draw batches of 0');
  });
});

describe('orderedBatches()', () => {
  it('reads every sample once, the last batch smaller', () => {
    expect([...orderedBatches(counting(5), 2)].map((batch) => Array.from(batch))).toEqual([
      [0, 1],
      [2, 3],
      [4],
    ]);
  });
});
