import { describe, expect, test } from 'vitest';
import {
  beside,
  dot,
  isWhole,
  matrix,
  plus,
  region,
  rowsBetween,
  selectColumns,
  selectRows,
  submatrix,
  transpose,
} from '../../../gpu-runner/linalg/matrix.ts';

const small = matrix(2, 3, [1, 2, 3, 4, 5, 6]);

describe('matrix', () => {
  test('matrix() refuses data of another length, and sizes that are not whole', () => {
    expect(() => matrix(2, 3, [1, 2])).toThrow('Cannot make a 2 x 3 matrix of 2 values');
    expect(() => matrix(1.5, 2)).toThrow(RangeError);
    expect(() => matrix(-1, 2)).toThrow(RangeError);
  });

  test('transpose() swaps rows and columns', () => {
    expect(transpose(small)).toEqual(matrix(3, 2, [1, 4, 2, 5, 3, 6]));
  });

  test('submatrix() and selectRows() keep the order asked for', () => {
    expect(submatrix(small, [1, 0], [2, 0])).toEqual(matrix(2, 2, [6, 4, 3, 1]));
    expect(selectRows(small, [1, 1])).toEqual(matrix(2, 3, [4, 5, 6, 4, 5, 6]));
  });

  test('transpose() of a large matrix swaps every element, in the tiles and beside them', () => {
    const wide = matrix(
      65,
      33,
      Array.from({ length: 65 * 33 }, (_, k) => k),
    );
    const turned = transpose(wide);
    expect([turned.rows, turned.cols]).toEqual([33, 65]);
    expect(turned.data.every((value, k) => value === (k % 65) * 33 + Math.floor(k / 65))).toBe(true);
  });

  test('selectColumns() and region() copy, rowsBetween() does not', () => {
    expect(selectColumns(small, [2, 2, 0])).toEqual(matrix(2, 3, [3, 3, 1, 6, 6, 4]));
    const all = selectColumns(small, [0, 1, 2]);
    expect(all).toEqual(small);
    expect(all.data).not.toBe(small.data);
    expect(region(small, 0, 2, 1, 3)).toEqual(matrix(2, 2, [2, 3, 5, 6]));
    const space = new Float64Array(10);
    expect(region(small, 1, 2, 0, 2, space)).toEqual(matrix(1, 2, [4, 5]));
    expect([...space.subarray(0, 3)]).toEqual([4, 5, 0]);
    expect(rowsBetween(small, 1, 2)).toEqual(matrix(1, 3, [4, 5, 6]));
    expect(rowsBetween(small, 1, 2).data.buffer).toBe(small.data.buffer);
  });

  test('isWhole() knows all of an order from less, more and another', () => {
    expect(isWhole([0, 1, 2], 3)).toBe(true);
    expect(isWhole(new Uint32Array(), 0)).toBe(true);
    for (const other of [
      [0, 1],
      [0, 1, 2, 3],
      [0, 2, 1],
      [1, 2, 3],
    ])
      expect(isWhole(other, 3)).toBe(false);
  });

  test('beside() puts matrices side by side and refuses unequal heights', () => {
    expect(beside([small, matrix(2, 1, [7, 8])], 2)).toEqual(matrix(2, 4, [1, 2, 3, 7, 4, 5, 6, 8]));
    expect(() => beside([small, matrix(1, 1)], 2)).toThrow('Cannot put 1 rows beside 2');
  });

  test('plus() adds a multiple and refuses other sizes', () => {
    expect(plus(small, small, -0.5)).toEqual(matrix(2, 3, [0.5, 1, 1.5, 2, 2.5, 3]));
    expect(() => plus(small, matrix(3, 2))).toThrow('Cannot add a 3 x 2 matrix to a 2 x 3 one');
  });

  test('dot() sums products', () => {
    expect(dot(Float64Array.of(1, 2, 3), Float64Array.of(4, 5, 6))).toBe(32);
  });
});
