import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../../gpu-runner/engine/autodiff/differentiate.ts';
import { maxPoolByEquality } from '../../../../gpu-runner/engine/autodiff/maxPool/byEquality.ts';
import { windowsOf } from '../../../../gpu-runner/engine/autodiff/windows.ts';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { gradientError, randomArray, type Array64 } from '../gradientCheck.ts';
import { attributesOf, axesOf, maximumPool, type Sliding } from './windowReference.ts';

interface Case extends Sliding {
  readonly of: string;
  readonly x: readonly number[];
}

const cases: Case[] = [
  { of: '2x2 stride 2', x: [2, 3, 6, 8], kernel: [2, 2], strides: [2, 2] },
  { of: '2x2 stride 2 that leaves a row unread', x: [2, 3, 7, 5], kernel: [2, 2], strides: [2, 2] },
  { of: '2x2 stride 2 with ceil_mode', x: [2, 3, 7, 5], kernel: [2, 2], strides: [2, 2], ceil: true },
  { of: '2x2 stride 3', x: [2, 2, 8, 9], kernel: [2, 2], strides: [3, 3] },
  { of: '3x3 stride 1 same', x: [2, 3, 5, 6], kernel: [3, 3], pads: [1, 1, 1, 1] },
  { of: '3x3 stride 2, overlapping', x: [2, 3, 8, 9], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  { of: '3x3 stride 2 with ceil_mode', x: [2, 3, 8, 6], kernel: [3, 3], strides: [2, 2], ceil: true },
  {
    of: '2x3, asymmetric pads and strides',
    x: [2, 2, 6, 7],
    kernel: [2, 3],
    strides: [1, 2],
    pads: [0, 2, 1, 0],
  },
  { of: '2x2 dilation 2', x: [2, 2, 6, 7], kernel: [2, 2], dilations: [2, 2] },
  { of: '2x2 dilation 2 stride 2', x: [2, 2, 7, 8], kernel: [2, 2], dilations: [2, 2], strides: [2, 2] },
  { of: '3x3 SAME_UPPER stride 2', x: [2, 2, 7, 8], kernel: [3, 3], strides: [2, 2], autoPad: 'SAME_UPPER' },
  { of: '3 in one dimension, stride 2', x: [2, 3, 9], kernel: [3], strides: [2], pads: [1, 0] },
  { of: '2x2x2 in three dimensions', x: [1, 2, 4, 5, 4], kernel: [2, 2, 2], strides: [2, 2, 2] },
];

/** The gradient of sum(dy * y) by x, in both forms. */
async function bothForms(
  one: Case,
  x: Array64,
  dy: Array64,
): Promise<{ indices: number[]; equality: number[] }> {
  const emit = new Emitter('forms');
  emit.input('x', 'float32', one.x);
  const node = emit.node('MaxPool', ['x'], { attributes: attributesOf(one) });
  const [y = ''] = node.outputs;
  emit.input('dy', 'float32', emit.dims(y));
  const equality = maxPoolByEquality(emit, 'x', y, 'dy', windowsOf(emit, node, one.kernel));
  const loss = emit.sum(emit.mul(y, 'dy'), [...emit.dims(y).keys()], false);
  const indices = differentiate(emit, loss, ['x']).get('x') ?? '';
  emit.output(indices);
  emit.output(equality);
  const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
  const single = ({ dims, data }: Array64) => ({
    dtype: 'float32' as const,
    dims,
    data: Float32Array.from(data),
  });
  const results = await session.run({ x: single(x), dy: single(dy) });
  await session.release();
  const numbers = (value: string): number[] => Array.from(results[value]?.data ?? [], Number);
  return { indices: numbers(indices), equality: numbers(equality) };
}

const placesOf = (one: Case): number[] => [
  ...one.x.slice(0, 2),
  ...axesOf(one, one.x.slice(2)).map((axis) => axis.places),
];

const filled = (dims: readonly number[], value: number): Array64 => ({
  dims,
  data: new Float64Array(dims.reduce((product, dim) => product * dim, 1)).fill(value),
});

describe('maxPool()', () => {
  it.each(cases)('agrees with central differences of the definition: $of', async (one) => {
    const error = await gradientError({
      inputs: { x: one.x },
      dtype: 'float32',
      build: (emit, { x = '' }) => emit.op('MaxPool', [x], attributesOf(one)),
      reference: ({ x }) => maximumPool(x ?? filled(one.x, NaN), one),
    });
    expect(error).toBeLessThan(1e-5);
  });

  it.each(cases)('sends each gradient once where elements tie: $of', async (one) => {
    const dims = placesOf(one);
    const { indices } = await bothForms(one, filled(one.x, 2), filled(dims, 1));
    expect(indices.reduce((total, value) => total + value, 0)).toBe(filled(dims, 1).data.length);
  });

  it('refuses indices in column-major order', () => {
    const emit = new Emitter('columns');
    emit.input('x', 'float32', [1, 1, 4, 4]);
    const y = emit.op('MaxPool', ['x'], { ...attributesOf({ kernel: [2, 2] }), storage_order: int(1) });
    const loss = emit.sum(y, [0, 1, 2, 3], false);
    expect(() => differentiate(emit, loss, ['x'])).toThrow(/storage_order 1/);
  });
});

describe('maxPoolByEquality()', () => {
  it.each(cases)('equals the form with indices: $of', async (one) => {
    const random = new Random(5);
    const { indices, equality } = await bothForms(
      one,
      randomArray(one.x, random),
      randomArray(placesOf(one), random),
    );
    expect(Math.max(...indices.map((value, at) => Math.abs(value - (equality[at] ?? NaN))))).toBeLessThan(
      1e-5,
    );
    expect(equality).toHaveLength(indices.length);
  });

  it.each(cases)('breaks ties as the form with indices does: $of', async (one) => {
    // Zeros, as after a Relu: padding must not pass for a maximum.
    const { indices, equality } = await bothForms(one, filled(one.x, 0), filled(placesOf(one), 1));
    expect(equality).toEqual(indices);
  });

  it('is what the WebGPU provider gets: no indices', () => {
    const emit = new Emitter('webgpu');
    emit.input('x', 'float32', [1, 1, 4, 4]);
    const node = emit.node('MaxPool', ['x'], {
      attributes: attributesOf({ kernel: [2, 2], strides: [2, 2] }),
    });
    const loss = emit.sum(node.outputs[0] ?? '', [0, 1, 2, 3], false);
    differentiate(emit, loss, ['x'], { provider: 'webgpu' });
    expect(node.outputs).toHaveLength(1);
    expect(emit.graph.nodes.map((one) => one.op)).not.toContain('MaxUnpool');
  });
});
