import { expect, test } from 'vitest';
import { matrix } from '../../../gpu-runner/linalg/matrix.ts';
import {
  byFilter,
  columnsByFilter,
  filterOrder,
  filterPlaces,
  rowsByFilter,
} from '../../../gpu-runner/mtz/read/filters.ts';

// Two channels a, b of three filters each: a tensor has a0 a1 a2 b0 b1 b2, its value a0 b0 a1 b1 a2 b2.
test('filterOrder() and filterPlaces() lead from the value to the tensor and back', () => {
  expect(filterOrder(6, 3)).toEqual([0, 3, 1, 4, 2, 5]);
  expect(filterPlaces(6, 3)).toEqual([0, 2, 4, 1, 3, 5]);
  const order = filterOrder(12, 4);
  expect(filterPlaces(12, 4).map((place) => order[place])).toEqual([...order.keys()]);
});

test('numbers, rows and columns are brought into the order of the value, as they are where there is one filter', () => {
  const numbers = Float64Array.of(1, 2, 3, 4, 5, 6);
  expect([...byFilter(numbers, 3)]).toEqual([1, 4, 2, 5, 3, 6]);
  expect(byFilter(numbers, 1)).toBe(numbers);
  const rows = matrix(6, 1, numbers);
  expect([...rowsByFilter(rows, 3).data]).toEqual([1, 4, 2, 5, 3, 6]);
  const columns = matrix(1, 8, Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  expect([...columnsByFilter(columns, 2, 2).data]).toEqual([1, 2, 5, 6, 3, 4, 7, 8]);
  expect(columnsByFilter(columns, 1, 2)).toBe(columns);
});
