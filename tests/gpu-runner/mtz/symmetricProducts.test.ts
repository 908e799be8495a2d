import { describe, expect, test } from 'vitest';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import { at, transpose } from '../../../gpu-runner/linalg/matrix.ts';
import { emptyTotals, symmetricProducts, writeProducts } from '../../../gpu-runner/mtz/symmetricProducts.ts';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { product, randomMatrix } from '../linalg/samples.ts';

describe('symmetricProducts', () => {
  test.each([
    [1, 1],
    [511, 1],
    [512, 3],
    [1024, 10],
    [4608, 36],
  ])('%i rows are %i blocks, which cover the diagonal and all below it once', (n, count) => {
    const { blocks, sums } = symmetricProducts(n);
    expect(blocks).toHaveLength(count);
    expect(sums.reduce((total, { rows }) => total + rows, 0)).toBe(n);
    let covered = 0;
    for (const { top, left, rows, cols } of blocks) {
      expect(left).toBeLessThanOrEqual(top);
      expect(left === top ? rows === cols : left + cols <= top).toBe(true);
      covered += left === top ? (rows * (rows + 1)) / 2 : rows * cols;
    }
    expect(covered).toBe((n * (n + 1)) / 2);
  });

  test.each([5, 530])('writeProducts() of %i rows computes what their names say', async (n) => {
    const layout = symmetricProducts(n);
    const graph = new Graph('products');
    graph.inputs = [{ name: 'columns', dtype: 'float32', dims: [n, null] }];
    writeProducts(graph, 'columns', layout);
    const totals = emptyTotals(layout);
    graph.outputs = Object.keys(totals).map((name) => ({ name, dtype: 'float64', dims: [null] }));
    const x = randomMatrix(n, 3, 1);
    x.data.forEach((value, k) => (x.data[k] = Math.fround(value)));
    const session = await createSession(graph, { provider: 'cpu' });
    const data = Float32Array.from(x.data);
    const results = await session.run({ columns: { dtype: 'float32', dims: [n, 3], data } });
    await session.release();
    const square = product(x, transpose(x));
    let difference = 0;
    for (const { name, top, left, rows, cols } of layout.blocks) {
      const block = results[name]?.data ?? [];
      expect(block).toHaveLength(totals[name]?.length ?? -1);
      for (let i = 0; i < rows; i += 1)
        for (let j = 0; j < cols; j += 1) {
          const found = Number(block[i * cols + j]);
          difference = Math.max(difference, Math.abs(found - at(square, top + i, left + j)));
        }
    }
    expect(difference).toBeLessThan(1e-13);
    const sums = layout.sums.flatMap(({ name }) => Array.from(results[name]?.data ?? [], Number));
    const direct = Array.from({ length: n }, (_, i) => at(x, i, 0) + at(x, i, 1) + at(x, i, 2));
    expect(sums).toHaveLength(n);
    sums.forEach((sum, i) => expect(sum).toBeCloseTo(direct[i] ?? NaN, 12));
  });
});
