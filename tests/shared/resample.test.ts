import { expect, test } from 'vitest';
import { Graph, int, string } from '../../gpu-runner/onnx/graph.ts';
import { createSession } from '../../gpu-runner/engine/session.ts';
import { Random } from '../../gpu-runner/engine/random.ts';
import { resamplePlane, taps, type Axis } from '../../shared/resample.ts';

const whole = (size: number, outputs: number): Axis => ({
  size,
  start: 0,
  length: size,
  outputs,
  from: 0,
  count: outputs,
});

/** ONNX Runtime's Resize, which has its own code for both. */
async function onnxResize(
  plane: Float32Array,
  [height, width]: readonly [number, number],
  [rows, columns]: readonly [number, number],
): Promise<number[]> {
  const graph = new Graph('resize');
  graph.inputs = [{ name: 'x', dtype: 'float32', dims: [1, 1, height, width] }];
  graph.outputs = [{ name: 'y', dtype: 'float32', dims: [1, 1, rows, columns] }];
  graph.initializers.set('sizes', {
    dtype: 'int64',
    dims: [4],
    data: BigInt64Array.of(1n, 1n, BigInt(rows), BigInt(columns)),
  });
  graph.nodes.push({
    name: 'resize',
    op: 'Resize',
    domain: '',
    inputs: ['x', '', '', 'sizes'],
    outputs: ['y'],
    attributes: { mode: string('linear'), antialias: int(1), exclude_outside: int(1) },
  });
  const session = await createSession(graph, { provider: 'cpu', threads: 1 });
  const { y } = await session.run({ x: { dtype: 'float32', dims: [1, 1, height, width], data: plane } });
  await session.release();
  return [...(y?.data ?? [])].map(Number);
}

test('bilinear resampling is what ONNX Runtime computes, smaller and larger', async () => {
  const random = new Random(1);
  for (const [from, to] of [
    [
      [9, 7],
      [4, 3],
    ],
    [
      [28, 28],
      [32, 32],
    ],
    [
      [13, 20],
      [5, 41],
    ],
    [
      [4, 4],
      [1, 1],
    ],
    [
      [1, 1],
      [3, 2],
    ],
  ] as const) {
    const [height, width] = from;
    const plane = Float32Array.from({ length: height * width }, () => random.uniform(0, 255));
    const ours = resamplePlane(
      plane,
      width,
      taps('bilinear', whole(width, to[1])),
      taps('bilinear', whole(height, to[0])),
    );
    const theirs = await onnxResize(plane, from, to);
    expect(ours.length).toBe(theirs.length);
    ours.forEach((value, at) => expect(value).toBeCloseTo(theirs[at] ?? NaN, 2));
  }
});

test('nearest resampling repeats and drops, half-pixel centres', () => {
  expect(taps('nearest', whole(2, 4)).first).toEqual([0, 0, 1, 1]);
  expect(taps('nearest', whole(6, 3)).first).toEqual([1, 3, 5]);
  expect(taps('nearest', whole(3, 3)).first).toEqual([0, 1, 2]);
});

test('every output is an average: its weights are at least 0 and sum to 1', () => {
  for (const mode of ['nearest', 'bilinear'] as const)
    for (const [size, outputs] of [
      [1, 9],
      [9, 1],
      [7, 7],
      [100, 33],
      [33, 100],
    ] as const) {
      const { first, weights } = taps(mode, whole(size, outputs));
      weights.forEach((row, output) => {
        expect(Math.min(...row)).toBeGreaterThanOrEqual(0);
        expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
        expect((first[output] ?? -1) >= 0 && (first[output] ?? size) + row.length <= size).toBe(true);
      });
    }
});

test('a part of the outputs is that part of all of them', () => {
  const all = taps('bilinear', whole(50, 20));
  const part = taps('bilinear', { ...whole(50, 20), from: 6, count: 5 });
  expect(part.first).toEqual(all.first.slice(6, 11));
  expect(part.weights).toEqual(all.weights.slice(6, 11));
});
