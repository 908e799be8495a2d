import { describe, expect, test } from 'vitest';
import { at, matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { cholesky } from '../../../gpu-runner/linalg/cholesky.ts';
import { damp, gramOfBlocks, type TaskGram } from '../../../gpu-runner/mtz/taskGram.ts';

const gram = matrix(4, 4, [8, 1, 2, 3, 1, 4, 0, 1, 2, 0, 0, 0, 3, 1, 0, 4]);
const digit: TaskGram = {
  inputs: [
    { segment: 0, from: 0b11, columns: 2 },
    { segment: 0, from: 0b01, columns: 1 },
  ],
  gram,
};

describe('damp', () => {
  test('damp() adds a fraction of the mean diagonal to the diagonal only, then weighs the task', () => {
    const damped = damp(gram, 0.1, 0.5);
    for (let i = 0; i < 4; i += 1) {
      for (let j = 0; j < 4; j += 1)
        expect(at(damped, i, j)).toBeCloseTo(0.5 * (at(gram, i, j) + (i === j ? 0.4 : 0)), 14);
    }
  });

  test('damp() makes a Gram matrix with a dead input and one sample definite', async () => {
    const x = [2, 0, -1, 1];
    const single = matrix(
      4,
      4,
      x.flatMap((a) => x.map((b) => a * b)),
    );
    await expect(cholesky(single)).rejects.toThrow('not positive definite');
    await expect(cholesky(damp(single, 1e-6, 1))).resolves.toBeDefined();
  });
});

describe('gramOfBlocks', () => {
  test('gramOfBlocks() picks blocks in the order asked for, the bias last', () => {
    const swapped = gramOfBlocks(
      [digit],
      [
        { segment: 0, from: 0b01, columns: 1 },
        { segment: 0, from: 0b11, columns: 2 },
      ],
    );
    expect(swapped).toEqual(matrix(4, 4, [0, 2, 0, 0, 2, 8, 1, 3, 0, 1, 4, 1, 0, 3, 1, 4]));
    expect(gramOfBlocks([digit], [])).toEqual(matrix(1, 1, [4]));
  });

  test('gramOfBlocks() sums tasks and leaves at zero what a task does not have', () => {
    const fashion: TaskGram = {
      inputs: [{ segment: 0, from: 0b11, columns: 2 }],
      gram: matrix(3, 3, [1, 0, 5, 0, 1, 6, 5, 6, 7]),
    };
    const blocks = [
      { segment: 0, from: 0b01, columns: 1 },
      { segment: 0, from: 0b11, columns: 2 },
    ];
    expect(gramOfBlocks([digit, fashion], blocks)).toEqual(
      matrix(4, 4, [0, 2, 0, 0, 2, 9, 1, 8, 0, 1, 5, 7, 0, 8, 7, 11]),
    );
  });
});
