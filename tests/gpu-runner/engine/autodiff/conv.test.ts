import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../../gpu-runner/engine/autodiff/differentiate.ts';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import type { Tensor } from '../../../../shared/tensor.ts';
import { gradientError, randomArray, type Array64 } from '../gradientCheck.ts';
import { attributesOf, convolve, convolveAdjoint, type Sliding } from './windowReference.ts';

interface Case extends Sliding {
  readonly of: string;
  readonly x: readonly number[];
  readonly out: number;
  readonly group?: number;
}

const cases: Case[] = [
  { of: '1x1', x: [2, 3, 5, 4], out: 4, kernel: [1, 1] },
  { of: '1x1 stride 2 over an even size', x: [2, 3, 6, 6], out: 4, kernel: [1, 1], strides: [2, 2] },
  { of: '3x3 valid', x: [2, 3, 7, 6], out: 4, kernel: [3, 3] },
  { of: '3x3 same, more channels in than out', x: [2, 8, 5, 6], out: 3, kernel: [3, 3], pads: [1, 1, 1, 1] },
  { of: '3x3 same, one channel', x: [2, 1, 5, 6], out: 5, kernel: [3, 3], pads: [1, 1, 1, 1] },
  { of: '3x3 same stride 2', x: [2, 3, 8, 8], out: 4, kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  { of: '3x3 stride 2 that leaves a row unread', x: [2, 3, 8, 9], out: 4, kernel: [3, 3], strides: [2, 2] },
  { of: '3x3 stride 3', x: [2, 2, 10, 11], out: 3, kernel: [3, 3], strides: [3, 3] },
  { of: 'stride beyond the kernel', x: [2, 2, 9, 11], out: 3, kernel: [2, 2], strides: [3, 4] },
  { of: '5x5 valid to few places', x: [2, 3, 8, 8], out: 4, kernel: [5, 5] },
  { of: '5x5 same', x: [2, 3, 7, 6], out: 4, kernel: [5, 5], pads: [2, 2, 2, 2] },
  { of: '5x5 over exactly one place', x: [2, 3, 5, 5], out: 4, kernel: [5, 5] },
  { of: '2x3, asymmetric pads', x: [2, 3, 6, 7], out: 4, kernel: [2, 3], pads: [1, 0, 0, 2] },
  {
    of: '2x3, asymmetric pads and strides',
    x: [2, 3, 7, 9],
    out: 4,
    kernel: [2, 3],
    strides: [1, 2],
    pads: [0, 2, 1, 0],
  },
  { of: 'pads wider than the kernel', x: [2, 2, 4, 5], out: 3, kernel: [2, 2], pads: [3, 2, 1, 4] },
  {
    of: '3x3 dilation 2 same',
    x: [2, 4, 7, 8],
    out: 3,
    kernel: [3, 3],
    dilations: [2, 2],
    pads: [2, 2, 2, 2],
  },
  {
    of: '3x2 dilations 2 and 3, stride 2',
    x: [2, 3, 9, 10],
    out: 2,
    kernel: [3, 2],
    dilations: [2, 3],
    strides: [2, 2],
    pads: [1, 0, 2, 1],
  },
  {
    of: '3x3 SAME_UPPER stride 2',
    x: [2, 3, 8, 7],
    out: 4,
    kernel: [3, 3],
    strides: [2, 2],
    autoPad: 'SAME_UPPER',
  },
  { of: '2x4 SAME_LOWER', x: [2, 3, 6, 7], out: 4, kernel: [2, 4], autoPad: 'SAME_LOWER' },
  { of: '3x3 auto_pad VALID', x: [2, 3, 6, 7], out: 4, kernel: [3, 3], autoPad: 'VALID' },
  {
    of: '3x3 same, many channels on a small map',
    x: [3, 5, 2, 2],
    out: 17,
    kernel: [3, 3],
    pads: [1, 1, 1, 1],
  },
  { of: '1x1, many channels on a small map', x: [3, 5, 2, 2], out: 16, kernel: [1, 1] },
  {
    of: '2x3, many channels, stride, dilation and asymmetric pads',
    x: [2, 3, 4, 5],
    out: 24,
    kernel: [2, 3],
    strides: [3, 2],
    dilations: [1, 2],
    pads: [1, 2, 0, 1],
  },
  { of: '3 in one dimension, many channels', x: [2, 4, 5], out: 21, kernel: [3], pads: [1, 1] },
  {
    of: '2x2x2 in three dimensions, many channels',
    x: [2, 2, 2, 3, 2],
    out: 9,
    kernel: [2, 2, 2],
  },
  { of: '3x3 in 2 groups', x: [2, 6, 6, 5], out: 4, kernel: [3, 3], pads: [1, 1, 1, 1], group: 2 },
  {
    of: '3x3 stride 2 in 3 groups',
    x: [2, 6, 7, 7],
    out: 9,
    kernel: [3, 3],
    strides: [2, 2],
    pads: [1, 0, 0, 1],
    group: 3,
  },
  { of: '3x3 depthwise', x: [2, 5, 6, 5], out: 5, kernel: [3, 3], pads: [1, 1, 1, 1], group: 5 },
  {
    of: '3x3 depthwise stride 2, two filters a channel',
    x: [2, 3, 8, 7],
    out: 6,
    kernel: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    group: 3,
  },
  { of: '3 in one dimension', x: [2, 4, 9], out: 3, kernel: [3], pads: [1, 1] },
  {
    of: '4 in one dimension, stride 3, dilation 2',
    x: [2, 4, 17],
    out: 3,
    kernel: [4],
    strides: [3],
    dilations: [2],
    pads: [2, 0],
  },
  {
    of: '2x3x2 in three dimensions',
    x: [2, 2, 4, 5, 3],
    out: 3,
    kernel: [2, 3, 2],
    pads: [0, 1, 1, 1, 1, 0],
  },
  {
    of: '3x3x3 in three dimensions, stride 2',
    x: [1, 2, 5, 6, 5],
    out: 3,
    kernel: [3, 3, 3],
    strides: [2, 2, 2],
    pads: [1, 1, 1, 1, 1, 1],
  },
];

const weightDims = ({ x, out, kernel, group = 1 }: Case): number[] => [out, (x[1] ?? 0) / group, ...kernel];

function emitConv(
  one: Case,
  dyDims: readonly number[],
): { emit: Emitter; y: string; grads: Map<string, string> } {
  const emit = new Emitter('conv');
  emit.input('x', 'float32', one.x);
  emit.input('w', 'float32', weightDims(one));
  emit.input('b', 'float32', [one.out]);
  const y = emit.op('Conv', ['x', 'w', 'b'], { ...attributesOf(one), group: int(one.group ?? 1) });
  emit.input('dy', 'float32', dyDims);
  const loss = emit.sum(emit.mul(y, 'dy'), [...dyDims.keys()], false);
  return { emit, y, grads: differentiate(emit, loss, ['x', 'w', 'b']) };
}

const single = ({ dims, data }: Array64): Tensor => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from(data),
});

/** Largest difference, relative to the largest value. */
function difference(got: Tensor | undefined, expected: Float64Array): number {
  if (got?.dtype !== 'float32' || got.data.length !== expected.length) return Infinity;
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return got.data.reduce(
    (worst, value, at) => Math.max(worst, Math.abs(value - (expected[at] ?? NaN)) / scale),
    0,
  );
}

describe('conv()', () => {
  it.each(cases)('has the derivatives of the definition: $of', async (one) => {
    const random = new Random(7);
    const [x, w, b] = [one.x, weightDims(one), [one.out]].map((dims) => randomArray(dims, random)) as [
      Array64,
      Array64,
      Array64,
    ];
    const expected = convolve(x, w, b, one, one.group);
    const dy = randomArray(expected.dims, random);
    const adjoint = convolveAdjoint(x, w, dy, one, one.group);
    const { emit, y, grads } = emitConv(one, expected.dims);
    for (const value of [y, ...grads.values()]) emit.output(value);
    const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
    const results = await session.run({ x: single(x), w: single(w), b: single(b), dy: single(dy) });
    await session.release();
    expect(difference(results[y], expected.data)).toBeLessThan(1e-5);
    for (const name of ['x', 'w', 'b'] as const)
      expect(difference(results[grads.get(name) ?? ''], adjoint[name]), `by ${name}`).toBeLessThan(1e-5);
  });

  it.each([cases[4], cases[6], cases[12], cases[21]])(
    'agrees with central differences in float64: $of',
    async (one) => {
      if (!one) throw new Error('no such case');
      const error = await gradientError({
        inputs: { x: one.x, w: weightDims(one), b: [one.out] },
        dtype: 'float32',
        build: (emit, { x = '', w = '', b = '' }) =>
          emit.op('Conv', [x, w, b], { ...attributesOf(one), group: int(one.group ?? 1) }),
        reference: ({ x, w, b }) => {
          if (!x || !w) throw new Error('no inputs');
          return convolve(x, w, b, one, one.group);
        },
      });
      expect(error).toBeLessThan(1e-4);
    },
  );

  it('keeps its precision where large inputs cancel in the gradient', async () => {
    // dW sums dy * x over places: with dy summing to zero, the offset of x must not cost more digits than it has.
    const one: Case = { of: '', x: [1, 1, 6, 6], out: 1, kernel: [3, 3] };
    const random = new Random(3);
    const noise = randomArray(one.x, random);
    const x = { dims: one.x, data: noise.data.map((value) => Math.fround(1000 + value)) };
    const w = randomArray(weightDims(one), random);
    const dy = randomArray([1, 1, 4, 4], random);
    const mean = dy.data.reduce((sum, value) => sum + value, 0) / 16;
    const balanced = { dims: dy.dims, data: dy.data.map((value) => Math.fround(value - mean)) };
    const { emit, grads } = emitConv(one, dy.dims);
    const wanted = grads.get('w') ?? '';
    emit.output(wanted);
    const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
    const results = await session.run({
      x: single(x),
      w: single(w),
      b: single({ dims: [1], data: new Float64Array(1) }),
      dy: single(balanced),
    });
    await session.release();
    // 16 products of about 1000 with 24 bits each.
    const bound =
      (16 * 1000 * 2 ** -23) /
      convolveAdjoint(x, w, balanced, one).w.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(difference(results[wanted], convolveAdjoint(x, w, balanced, one).w)).toBeLessThan(bound);
  });

  it('emits only the derivatives asked for', () => {
    const emit = new Emitter('frozen');
    emit.input('x', 'float32', [1, 2, 5, 5]);
    emit.input('w', 'float32', [3, 2, 3, 3]);
    const loss = emit.sum(emit.op('Conv', ['x', 'w']), [0, 1, 2, 3], false);
    const before = emit.graph.nodes.length;
    expect([...differentiate(emit, loss, ['w']).keys()]).toEqual(['w']);
    expect(emit.graph.nodes.slice(before).map((node) => node.op)).not.toContain('ConvTranspose');
    expect(emit.graph.nodes.slice(before).map((node) => node.op)).not.toContain('Conv');
  });

  it.each([
    {
      of: 'a Conv for 3x3 same',
      x: [64, 16, 32, 32],
      out: 16,
      kernel: [3, 3],
      pads: [1, 1, 1, 1],
      op: 'Conv',
    },
    {
      of: 'a ConvTranspose for 5x5 valid',
      x: [64, 20, 12, 12],
      out: 50,
      kernel: [5, 5],
      op: 'ConvTranspose',
    },
    {
      of: 'a ConvTranspose for stride 2',
      x: [64, 16, 32, 32],
      out: 32,
      kernel: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      op: 'ConvTranspose',
    },
  ])('takes the form that was fastest for the input: $of', ({ op, ...one }) => {
    const emit = new Emitter('form');
    emit.input('x', 'float32', one.x);
    emit.input('w', 'float32', weightDims(one));
    const loss = emit.sum(emit.op('Conv', ['x', 'w'], attributesOf(one)), [0, 1, 2, 3], false);
    const before = emit.graph.nodes.length;
    differentiate(emit, loss, ['x']);
    const ops = emit.graph.nodes.slice(before).map((node) => node.op);
    expect(ops.filter((name) => name.startsWith('Conv'))).toEqual([op]);
  });

  it.each([
    {
      of: '25 copies of one channel, joined',
      x: [64, 1, 28, 28],
      out: 20,
      kernel: [5, 5],
      copies: 50,
    },
    {
      of: '2 shifted copies each of gradient and input, the third stays where it is',
      x: [64, 16, 32, 32],
      out: 16,
      kernel: [3, 3],
      pads: [1, 1, 1, 1],
      copies: 4,
    },
  ])('copies as little as it can for the weight: $of', ({ copies, ...one }) => {
    const emit = new Emitter('form');
    emit.input('x', 'float32', one.x);
    emit.input('w', 'float32', weightDims(one));
    const loss = emit.sum(emit.op('Conv', ['x', 'w'], attributesOf(one)), [0, 1, 2, 3], false);
    const before = emit.graph.nodes.length;
    differentiate(emit, loss, ['w']);
    const copied = emit.graph.nodes.slice(before).map(({ op, inputs }) => {
      if (op === 'Pad' || op === 'Slice') return 1;
      return op === 'Concat' ? inputs.filter((value) => emit.dims(value).length === 4).length : 0;
    });
    expect(copied.reduce((sum, copies) => sum + copies, 0)).toBe(copies);
  });
});
