import { describe, expect, it } from 'vitest';
import { Emitter } from '../../../gpu-runner/engine/emitter.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import { int } from '../../../gpu-runner/onnx/graph.ts';

describe('Emitter', () => {
  it('knows the static type of everything it writes', () => {
    const emit = new Emitter('types');
    const x = emit.input('x', 'float32', [2, 3, 4]);
    const counted = emit.castLike(emit.op('ArgMax', [x], { axis: int(2), keepdims: int(0) }), x);
    expect(emit.type(counted)).toEqual({ dtype: 'float32', dims: [2, 3] });
    expect(emit.dims(emit.sum(x, [0, 2]))).toEqual([1, 3, 1]);
    expect(emit.dims(emit.sum(x, [0, 2], false))).toEqual([3]);
    expect(emit.dims(emit.slice(x, 1, 1, 3))).toEqual([2, 2, 4]);
    expect(emit.dims(emit.concat([x, x], 1))).toEqual([2, 6, 4]);
    expect(emit.dims(emit.expand(emit.sum(x, [1]), [2, 5, 4]))).toEqual([2, 5, 4]);
  });

  it('writes nothing for what changes nothing', () => {
    const emit = new Emitter('nothing');
    const x = emit.input('x', 'float32', [2, 3]);
    const same = [
      emit.reshape(x, [2, 3]),
      emit.transpose(x, [0, 1]),
      emit.scale(x, 1),
      emit.sum(x, []),
      emit.expand(x, [2, 3]),
      emit.castLike(x, x),
      emit.concat([x], 0),
      emit.unbroadcast(x, [2, 3]),
    ];
    expect(same).toEqual(same.map(() => 'x'));
    expect(emit.graph.nodes).toEqual([]);
  });

  it('shares equal constants and keeps apart those of another type or shape', () => {
    const emit = new Emitter('constants');
    const [x, y] = [emit.input('x', 'float32', []), emit.input('y', 'float64', [])];
    expect(emit.scalar(2, x)).toBe(emit.scalar(2, x));
    const names = [
      emit.scalar(2, x),
      emit.scalar(3, x),
      emit.scalar(2, y),
      emit.int64s([2]),
      emit.int64s([2, 2]),
    ];
    expect(new Set(names).size).toBe(5);
    expect(emit.constantInts(emit.int64s([2, -5]))).toEqual([2, -5]);
  });

  it.each([
    [[2, 3, 4], [4]],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [
      [2, 3, 4],
      [2, 1, 4],
    ],
    [[2, 3, 4], []],
    [
      [2, 1, 4],
      [1, 1, 4],
    ],
  ])('unbroadcast() sums [%s] down to [%s]', async (wide, dims) => {
    const emit = new Emitter('sums');
    const length = wide.reduce((product, dim) => product * dim, 1);
    const output = emit.unbroadcast(emit.input('x', 'float32', wide), dims);
    emit.output(output);
    expect(emit.dims(output)).toEqual(dims);
    const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
    const x = { dtype: 'float32', dims: wide, data: new Float32Array(length).fill(1) } as const;
    const results = await session.run({ x });
    await session.release();
    const kept = dims.reduce((product, dim) => product * dim, 1);
    expect(Array.from(results[output]?.data ?? [], Number)).toEqual(new Array(kept).fill(length / kept));
  });

  it('names what it refuses', () => {
    const emit = new Emitter('refusals');
    const x = emit.input('x', 'float32', [2, 3]);
    const count = emit.input('count', 'int64', []);
    expect(() => emit.type('y')).toThrow('Cannot find value "y" in graph "refusals"');
    expect(() => emit.reshape(x, [4])).toThrow('Cannot reshape [2,3] to [4]');
    expect(() => emit.scalar(1, count)).toThrow(
      'Cannot make a int64 scalar: "count" must be float32 or float64',
    );
    expect(() => emit.constantInts(x)).toThrow('Cannot read "x": it is not a constant of int64');
    expect(() => emit.op('Reshape', [x, emit.input('shape', 'int64', [2])])).toThrow('not static');
  });

  it('asks a node for an optional output later', () => {
    const emit = new Emitter('optional');
    const x = emit.input('x', 'float32', [1, 1, 4]);
    const node = emit.node('MaxPool', [x], { attributes: { kernel_shape: { type: 'ints', value: [2] } } });
    const indices = emit.optionalOutput(node, 1);
    expect(emit.type(indices)).toEqual({ dtype: 'int64', dims: [1, 1, 3] });
    expect(emit.optionalOutput(node, 1)).toBe(indices);
  });
});
