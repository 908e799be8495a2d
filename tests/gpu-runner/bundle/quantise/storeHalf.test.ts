import { describe, expect, it } from 'vitest';
import { storeHalf } from '../../../../gpu-runner/bundle/quantise/storeHalf.ts';
import { halfToFloat } from '../../../../gpu-runner/data/half.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { validate } from '../../../../gpu-runner/onnx/validate.ts';
import type { Tensor } from '../../../../shared/tensor.ts';

/** x + w, so that the weights can be read from what it answers. */
function adding(values: Float32Array): Graph {
  const graph = new Graph('adding');
  const dims = [values.length];
  graph.inputs = [{ name: 'x', dtype: 'float32', dims }];
  graph.outputs = [{ name: 'y', dtype: 'float32', dims }];
  graph.initializers.set('w', { dtype: 'float32', dims, data: values });
  graph.nodes = [{ name: 'add', op: 'Add', domain: '', inputs: ['x', 'w'], outputs: ['y'], attributes: {} }];
  return graph;
}

const store = (values: Float32Array) => {
  const { heads, ...rest } = storeHalf({ trunk: null, heads: [{ task: 'digit', graph: adding(values) }] });
  const graph = heads[0]?.graph ?? new Graph();
  return { graph, bits: graph.initializers.get('w.half')?.data as Uint16Array | undefined, ...rest };
};

async function readBack(graph: Graph, count: number): Promise<Float32Array> {
  const session = await createSession(graph, { provider: 'cpu' });
  const { y } = await session.run({ x: { dtype: 'float32', dims: [count], data: new Float32Array(count) } });
  await session.release();
  return y?.data as Float32Array;
}

const random = new Random(4);
/** Of every size that float16 has, subnormals too. */
const values = Float32Array.from({ length: 4000 }, (_, index) => random.normal() * 2 ** ((index % 36) - 22));

describe('storeHalf()', () => {
  it('stores the nearest float16 of every value: neither neighbour is nearer', () => {
    const { bits } = store(values);
    expect(bits).toHaveLength(values.length);
    for (const [index, value] of values.entries()) {
      const stored = bits?.[index] ?? 0;
      const away = Math.abs(halfToFloat(stored) - value);
      for (const neighbour of [stored - 1, stored + 1]) {
        const other = halfToFloat(neighbour & 0xffff);
        if (Number.isFinite(other)) expect(Math.abs(other - value)).toBeGreaterThanOrEqual(away);
      }
    }
  });

  it('is read back by ONNX Runtime as exactly what was stored, and computed on as float32', async () => {
    const { graph, bits } = store(values);
    validate(graph);
    const read = await readBack(graph, values.length);
    for (const [index, value] of read.entries()) expect(value).toBe(0 + halfToFloat(bits?.[index] ?? 0));
  });

  it('counts what lost digits and what became zero', () => {
    const tiny = new Float32Array(64).fill(1);
    tiny.set([2 ** -15, -(2 ** -20), 2 ** -26, -(2 ** -30), 0]);
    expect(store(tiny)).toMatchObject({ subnormal: 2, flushedToZero: 2, kept: [] });
  });

  it('keeps a tensor float32 that has a value too large, and names it; the largest one still fits', () => {
    const large = new Float32Array(64).fill(1);
    large[9] = 65519;
    expect(store(large).kept).toEqual([]);
    large[9] = -65520;
    const { graph, kept } = store(large);
    expect(kept).toEqual([
      { part: 'digit', name: 'w', reason: 'its value -65520 has no finite float16, the largest is 65504' },
    ]);
    expect(graph.initializers.get('w')?.dtype).toBe('float32');
    expect(graph.nodes).toHaveLength(1);
  });

  it('keeps a tensor float32 whose values are too small for float16\u2019s digits', () => {
    const small = Float32Array.from({ length: 64 }, () => 1e-7 * random.uniform(0.5, 1));
    expect(store(small).kept[0]?.reason).toMatch(
      /^float16 would change it by \d+ %: its values are too small$/,
    );
    // The same a thousand times larger is stored.
    expect(store(small.map((value) => 1e4 * value)).kept).toEqual([]);
  });

  it('leaves alone what is small, not float32 or read by nobody', () => {
    const graph = adding(new Float32Array(63).fill(1));
    const integers: Tensor = { dtype: 'int32', dims: [100], data: new Int32Array(100) };
    graph.initializers.set('counts', integers);
    graph.initializers.set('unread', { dtype: 'float32', dims: [100], data: new Float32Array(100) });
    const { heads } = storeHalf({ trunk: null, heads: [{ task: 'digit', graph }] });
    expect([...(heads[0]?.graph.initializers ?? [])].map(([name, { dtype }]) => `${name} ${dtype}`)).toEqual([
      'w float32',
      'counts int32',
      'unread float32',
    ]);
  });
});
