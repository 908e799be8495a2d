import { afterAll, describe, expect, it } from 'vitest';
import { createSession, type Session } from '../../../gpu-runner/engine/session.ts';
import { Graph, type ValueInfo } from '../../../gpu-runner/onnx/graph.ts';
import { writeModel } from '../../../gpu-runner/onnx/write.ts';
import type { Tensor } from '../../../shared/tensor.ts';

/** sum = a + b, product = a * b, for vectors of any length. */
function arithmetic(): Graph {
  const graph = new Graph('arithmetic');
  const vector = (name: string): ValueInfo => ({ name, dtype: 'float32', dims: ['N'] });
  graph.inputs = [vector('a'), vector('b')];
  graph.outputs = [vector('sum'), vector('product')];
  graph.addNode('Add', ['a', 'b'], ['sum']);
  graph.addNode('Mul', ['a', 'b'], ['product']);
  return graph;
}
const floats = (...values: number[]): Tensor => ({
  dtype: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
});
const opened: Session[] = [];
async function open(...[model, options]: Parameters<typeof createSession>): Promise<Session> {
  const session = await createSession(model, options);
  opened.push(session);
  return session;
}
afterAll(async () => {
  for (const session of opened) await session.release();
});

describe('createSession()', () => {
  it('runs a graph and gives every output', async () => {
    const session = await open(arithmetic(), { provider: 'cpu' });
    expect([session.inputNames, session.outputNames]).toEqual([
      ['a', 'b'],
      ['sum', 'product'],
    ]);
    const results = await session.run({ a: floats(1, 2), b: floats(3, 4) });
    expect(results).toEqual({ sum: floats(4, 6), product: floats(3, 8) });
  });

  it('runs the bytes of a model and gives the outputs asked for', async () => {
    const session = await open(writeModel(arithmetic()), { provider: 'cpu', threads: 1 });
    expect(await session.run({ a: floats(2), b: floats(5) }, ['product'])).toEqual({ product: floats(10) });
  });

  it('carries every type that ONNX Runtime has in JavaScript', async () => {
    const tensors: Tensor[] = [
      { dtype: 'int64', dims: [1, 2], data: BigInt64Array.of(-(2n ** 62n), 5n) },
      { dtype: 'float64', dims: [2], data: Float64Array.of(Math.PI, -0) },
      { dtype: 'bool', dims: [3], data: Uint8Array.of(1, 0, 1) },
      { dtype: 'uint8', dims: [0], data: new Uint8Array() },
      { dtype: 'string', dims: [2], data: ['a', ''] },
      { dtype: 'float16', dims: [1], data: Uint16Array.of(0x3c00) },
      { dtype: 'int32', dims: [], data: Int32Array.of(-7) },
    ];
    for (const tensor of tensors) {
      const graph = new Graph('identity');
      graph.inputs = [{ name: 'x', dtype: tensor.dtype, dims: tensor.dims }];
      graph.outputs = [{ name: 'y', dtype: tensor.dtype, dims: tensor.dims }];
      graph.addNode('Identity', ['x'], ['y']);
      const session = await open(graph, { provider: 'cpu', threads: 1 });
      const { y } = await session.run({ x: tensor });
      expect(y).toEqual(tensor);
    }
  });

  it('reads external data by its location', async () => {
    const graph = arithmetic();
    graph.inputs.pop();
    graph.initializers.set('b', floats(10, 20));
    const parts: Record<string, Uint8Array> = {};
    const model = writeModel(graph, {
      externalData: {
        threshold: 1,
        place: (_, bytes) => {
          parts['weights.bin'] = bytes;
          return { location: 'weights.bin', offset: 0, length: bytes.length };
        },
      },
    });
    const session = await open(model, { provider: 'cpu', externalData: parts });
    expect((await session.run({ a: floats(1, 2) }))['sum']).toEqual(floats(11, 22));
  });

  it('refuses feeds whose data do not fit their dims, are missing or unknown', async () => {
    const session = await open(arithmetic(), { provider: 'cpu' });
    const wrong: Tensor = { dtype: 'float32', dims: [3], data: Float32Array.of(1) };
    await expect(session.run({ a: wrong, b: floats(1) })).rejects.toThrow(
      'Cannot feed "a": [3] has 3 elements, its data 1',
    );
    await expect(session.run({ a: floats(1) })).rejects.toThrow(/'b'/);
    const bfloat: Tensor = { dtype: 'bfloat16', dims: [1], data: Uint16Array.of(0) };
    await expect(session.run({ a: bfloat, b: floats(1) })).rejects.toThrow('has no bfloat16');
  });

  it('goes on after a run that failed', async () => {
    const session = await open(arithmetic(), { provider: 'cpu' });
    await expect(session.run({ a: floats(1, 2, 3), b: floats(1, 2) })).rejects.toThrow();
    expect((await session.run({ a: floats(1), b: floats(2) }, ['sum']))['sum']).toEqual(floats(3));
  });

  it('refuses bytes that are not a model', async () => {
    const run = createSession(Uint8Array.of(1, 2, 3, 4), { provider: 'cpu' });
    await expect(run).rejects.toThrow('Cannot make a session on cpu: ');
  });

  it('refuses to run after it was released, and to be released only once is enough', async () => {
    const session = await createSession(arithmetic(), { provider: 'cpu' });
    await session.release();
    await session.release();
    await expect(session.run({ a: floats(1), b: floats(1) })).rejects.toThrow(
      'Cannot run a session: it was released',
    );
  });
});
