import { int, type Graph } from '../onnx/graph.ts';

/** Rows [top, top + rows) against rows [left, left + cols) of one matrix, on or below the diagonal. */
export interface ProductBlock {
  /** The value with the products, float64. */
  readonly name: string;
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly cols: number;
}

export interface SymmetricProducts {
  readonly blocks: readonly ProductBlock[];
  /** The sum of each row, in order, a few rows a value, float64. */
  readonly sums: readonly { readonly name: string; readonly rows: number }[];
}

/**
 * What x x' and the sum of x over the columns x of a matrix are computed in. The products are symmetric: of a tall matrix
 * only the blocks on and below the diagonal are, little more than half of them.
 *
 * @param n rows of the matrix
 */
export function symmetricProducts(n: number): SymmetricProducts {
  // At least 256 rows a block: smaller products do not run at full speed.
  const count = Math.max(1, Math.min(8, 2 ** Math.floor(Math.log2(n / 256))));
  const starts = Array.from({ length: count + 1 }, (_, block) => Math.floor((n * block) / count));
  const parts = starts.slice(1).map((end, block) => {
    const top = starts[block] ?? 0;
    return { name: `sums${block}`, top, rows: end - top };
  });
  const blocks = parts.flatMap(({ top, rows }, i) =>
    parts.slice(0, i + 1).map((other, j): ProductBlock => {
      return { name: `products${i}.${j}`, top, left: other.top, rows, cols: other.rows };
    }),
  );
  return { blocks, sums: parts.map(({ name, rows }) => ({ name, rows })) };
}

/**
 * Writes the products and sums into a graph, float64.
 *
 * @param columns float32, [n, columns]
 */
export function writeProducts(graph: Graph, columns: string, { blocks, sums }: SymmetricProducts): void {
  const parts = sums.length === 1 ? [columns] : sums.map(({ name }) => `${columns}.${name}`);
  if (sums.length > 1) {
    const sizes = sums.map(({ rows }) => rows);
    graph.addNode('Split', [columns, graph.addIntegers('sizes', sizes)], parts, { axis: int(0) });
  }
  const axis = graph.addIntegers('axis', [1]);
  const exact = new Map<number, string>();
  let top = 0;
  for (const [index, { name, rows }] of sums.entries()) {
    const part = `exact${index}`;
    graph.addNode('Cast', [parts[index] ?? columns], [part], { to: int(11) });
    graph.addNode('ReduceSum', [part, axis], [name], { keepdims: int(0) });
    exact.set(top, part);
    top += rows;
  }
  for (const block of blocks) {
    const factors = [exact.get(block.top) ?? '', exact.get(block.left) ?? ''];
    graph.addNode('Gemm', factors, [block.name], { transB: int(1) });
  }
}

/** The zeros that the products and sums are added to, by name. */
export function emptyTotals({ blocks, sums }: SymmetricProducts): Record<string, Float64Array> {
  const totals: Record<string, Float64Array> = {};
  for (const { name, rows, cols } of blocks) totals[name] = new Float64Array(rows * cols);
  for (const { name, rows } of sums) totals[name] = new Float64Array(rows);
  return totals;
}
