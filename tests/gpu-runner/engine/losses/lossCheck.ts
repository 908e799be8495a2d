/** Runs an emitted loss in float64 and compares it with one written by hand. */
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import type { EmittedLoss } from '../../../../gpu-runner/engine/losses/loss.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import type { Tensor } from '../../../../shared/tensor.ts';

export type Rows = readonly (readonly number[])[];

/** The loss of `output` against `targets` (both [batch, width]) and its derivative by the output. */
export async function runLoss(
  loss: (emit: Emitter, output: string, targets: string) => EmittedLoss,
  output: Rows,
  targets: Rows,
): Promise<{ value: number; grad: number[] }> {
  const emit = new Emitter('loss');
  const dims = [output.length, output[0]?.length ?? 0];
  const emitted = loss(emit, emit.input('output', 'float64', dims), emit.input('targets', 'float64', dims));
  emit.output(emitted.value);
  emit.output(emitted.grad);
  const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
  const tensor = (rows: Rows): Tensor => ({ dtype: 'float64', dims, data: Float64Array.from(rows.flat()) });
  const results = await session.run({ output: tensor(output), targets: tensor(targets) });
  await session.release();
  const [value, grad] = [results[emitted.value], results[emitted.grad]];
  if (value?.dims.length !== 0) throw new Error('The loss is not a scalar');
  return { value: Number(value.data[0]), grad: Array.from(grad?.data ?? [], Number) };
}

/** Central differences of a loss written by hand. */
export function differences(reference: (output: Rows) => number, output: Rows): number[] {
  const step = 1e-6;
  const moved = (row: number, column: number, by: number): number =>
    reference(
      output.map((values, r) => values.map((value, c) => (r === row && c === column ? value + by : value))),
    );
  return output.flatMap((values, row) =>
    values.map((_, column) => (moved(row, column, step) - moved(row, column, -step)) / (2 * step)),
  );
}

export const largestDifference = (a: readonly number[], b: readonly number[]): number =>
  a.length === b.length ? Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? NaN)))) : NaN;

/** log softmax of one row, by its definition. */
export function logSoftmaxRow(row: readonly number[]): number[] {
  const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
  return row.map((value) => value - Math.log(total));
}

export const logits: Rows = [
  [0.3, -1.2, 2],
  [0, 0, 0],
  [-3, 5, 1],
  [4, 4, -4],
];
