import { describe, expect, it } from 'vitest';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError, randomArray } from '../gradientCheck.ts';
import { attributesOf, meanPool, type Sliding } from './windowReference.ts';

interface Case extends Sliding {
  readonly of: string;
  readonly x: readonly number[];
}

const cases: Case[] = [
  { of: '2x2 stride 2', x: [2, 3, 6, 8], kernel: [2, 2], strides: [2, 2] },
  { of: '2x2 stride 2 that leaves a row unread', x: [2, 3, 7, 5], kernel: [2, 2], strides: [2, 2] },
  { of: '2x2 stride 3', x: [2, 2, 8, 9], kernel: [2, 2], strides: [3, 3] },
  { of: '3x3 stride 1 same', x: [2, 3, 5, 6], kernel: [3, 3], pads: [1, 1, 1, 1] },
  { of: '3x3 stride 2, padded', x: [2, 3, 8, 9], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  {
    of: '2x3, asymmetric pads and strides',
    x: [2, 2, 6, 7],
    kernel: [2, 3],
    strides: [1, 2],
    pads: [0, 2, 1, 0],
  },
  { of: '3x3 SAME_LOWER stride 2', x: [2, 2, 8, 7], kernel: [3, 3], strides: [2, 2], autoPad: 'SAME_LOWER' },
  { of: '3x2 dilation 2', x: [2, 2, 7, 6], kernel: [3, 2], dilations: [2, 2], pads: [1, 0, 1, 1] },
  { of: '2x2 stride 2 with ceil_mode', x: [2, 3, 7, 5], kernel: [2, 2], strides: [2, 2], ceil: true },
  {
    of: '3x3 stride 2 with ceil_mode, padded',
    x: [2, 2, 6, 8],
    kernel: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    ceil: true,
  },
  { of: '4 in one dimension, stride 3', x: [2, 3, 11], kernel: [4], strides: [3], pads: [1, 2] },
  {
    of: '2x2x2 in three dimensions',
    x: [1, 2, 4, 5, 4],
    kernel: [2, 2, 2],
    strides: [2, 1, 2],
    pads: [0, 1, 0, 0, 0, 0],
  },
];

const both = cases.flatMap((one) => [0, 1].map((countPads) => ({ ...one, countPads })));
const attributes = (one: (typeof both)[number]) => ({
  ...attributesOf(one),
  count_include_pad: int(one.countPads),
});

describe('averagePool()', () => {
  it.each(both)(
    'agrees with central differences of the definition: $of, count_include_pad $countPads',
    async (one) => {
      const error = await gradientError({
        inputs: { x: one.x },
        dtype: 'float32',
        build: (emit, { x = '' }) => emit.op('AveragePool', [x], attributes(one)),
        reference: ({ x }) => {
          if (!x) throw new Error('no input');
          return meanPool(x, one, one.countPads === 1);
        },
      });
      expect(error).toBeLessThan(1e-5);
    },
  );

  it.each(both)(
    'differentiates what ONNX Runtime computes: $of, count_include_pad $countPads',
    async (one) => {
      const x = randomArray(one.x, new Random(9));
      const emit = new Emitter('forward');
      const y = emit.op('AveragePool', [emit.input('x', 'float32', one.x)], attributes(one));
      emit.output(y);
      const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
      const results = await session.run({
        x: { dtype: 'float32', dims: x.dims, data: Float32Array.from(x.data) },
      });
      await session.release();
      const expected = meanPool(x, one, one.countPads === 1).data;
      const got = Array.from(results[y]?.data ?? [], Number);
      expect(got).toHaveLength(expected.length);
      expect(Math.max(...got.map((value, at) => Math.abs(value - (expected[at] ?? NaN))))).toBeLessThan(1e-5);
    },
  );
});
