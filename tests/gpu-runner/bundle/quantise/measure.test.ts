import { describe, expect, it } from 'vitest';
import {
  answersOf,
  batchesOf,
  compareAnswers,
  countRight,
  type Answers,
} from '../../../../gpu-runner/bundle/quantise/measure.ts';
import { memoryDataset, type Dataset } from '../../../../gpu-runner/engine/dataset.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { accuracyOf } from '../../../../gpu-runner/mtz/evaluate.ts';
import { headGraph, trunkGraph, wholeGraph } from '../twoTasks.ts';

const answers = (...values: number[]): Answers =>
  new Map([['digit', { dtype: 'float32', dims: [values.length / 2, 2], data: Float32Array.from(values) }]]);

const parts = {
  trunk: trunkGraph(),
  heads: (['digit', 'fashion'] as const).map((task) => ({ task, graph: headGraph(task) })),
};

function images(size: number, classes: number): Dataset {
  const random = new Random(9);
  return memoryDataset({
    sampleDims: [1, 6, 6],
    classes,
    labels: Int32Array.from({ length: size }, (_, index) => index % classes),
    inputs: Float32Array.from({ length: size * 36 }, () => random.uniform()),
  });
}

describe('compareAnswers()', () => {
  it('measures the difference against the size of the answers, the largest one, and equal decisions', () => {
    const { digit } = compareAnswers(
      [answers(3, 4, 0, 1), answers(1, 0)],
      [answers(3, 4.5, 1.5, 1), answers(1, 0)],
    );
    expect(digit?.relative).toBeCloseTo(Math.sqrt(2.5 / 27), 12);
    expect(digit?.maxAbs).toBe(1.5);
    expect(digit?.agreement).toBeCloseTo(2 / 3, 12);
  });

  it('finds equal answers equal, even all zero', () => {
    expect(compareAnswers([answers(0, 0)], [answers(0, 0)])).toEqual({
      digit: { relative: 0, maxAbs: 0, agreement: 1 },
    });
  });

  it('takes NaN and missing answers for infinitely far', () => {
    for (const wrong of [[answers(NaN, 1)], [answers(1, 1, 1, 1)], []])
      expect(compareAnswers([answers(1, 1)], wrong).digit).toEqual({
        relative: Infinity,
        maxAbs: Infinity,
        agreement: 0,
      });
  });
});

describe('countRight()', () => {
  it('counts trunk and head together as the whole network does, over several batches', async () => {
    for (const [task, classes] of [
      ['digit', 3],
      ['fashion', 5],
    ] as const) {
      const data = images(300, classes);
      const right = await countRight(parts, task, data, { provider: 'cpu' });
      expect(right / 300).toBe(await accuracyOf(wholeGraph(task), data, { provider: 'cpu' }));
      expect(right).toBeGreaterThan(0);
    }
  });

  it('refuses a task that is not there, no samples, and other classes', async () => {
    await expect(countRight(parts, 'speech', images(3, 3), { provider: 'cpu' })).rejects.toThrow(
      'Cannot measure "speech": there are digit, fashion',
    );
    await expect(countRight(parts, 'digit', images(0, 3), { provider: 'cpu' })).rejects.toThrow(
      'the data set is empty',
    );
    await expect(countRight(parts, 'digit', images(4, 4), { provider: 'cpu' })).rejects.toThrow(
      'Cannot measure "digit": it answers [4,3], the samples have 4 classes',
    );
  });
});

it('answersOf() stops when it is told to', async () => {
  const stop = new AbortController();
  const running = answersOf(parts, batchesOf(images(300, 3)), { provider: 'cpu', signal: stop.signal });
  await running.next();
  stop.abort(new Error('enough'));
  await expect(running.next()).rejects.toThrow('enough');
});
