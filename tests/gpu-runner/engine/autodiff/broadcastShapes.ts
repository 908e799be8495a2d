/** Shapes of two operands that broadcast, in every direction. */
export const broadcastShapes: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ['equal shapes', [2, 3], [2, 3]],
  ['a row against a matrix', [2, 3], [3]],
  ['a matrix against a row', [3], [2, 3]],
  ['a column against a row', [4, 1], [1, 3]],
  ['a scalar against a tensor', [], [2, 1, 3]],
  ['a bias along channels', [2, 3, 2, 2], [3, 1, 1]],
  ['inner and leading axes at once', [5, 1, 4], [3, 1]],
  ['ones on both sides', [1, 1], [1]],
];
