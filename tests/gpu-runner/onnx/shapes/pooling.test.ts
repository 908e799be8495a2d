import { describe, expect, it } from 'vitest';
import { int, ints, string } from '../../../../gpu-runner/onnx/graph.ts';
import { expectAsOrt, f32, i64, infer, title, type NodeCase } from '../single-node.ts';

const kernel = { kernel_shape: ints([3, 2]) };
const cases: NodeCase[] = [
  { op: 'MaxPool', inputs: [f32(2, 3, 7, 8)], attributes: kernel, outputs: 2 },
  {
    op: 'MaxPool',
    inputs: [f32(2, 3, 7, 9)],
    attributes: { ...kernel, strides: ints([2, 2]), ceil_mode: int(1) },
  },
  {
    op: 'MaxPool',
    inputs: [f32(2, 3, 7, 9)],
    attributes: { ...kernel, strides: ints([2, 2]), dilations: ints([2, 3]), pads: ints([1, 0, 1, 1]) },
  },
  {
    op: 'MaxPool',
    inputs: [f32(2, 3, 7, 9)],
    attributes: { ...kernel, strides: ints([2, 2]), auto_pad: string('SAME_LOWER') },
  },
  {
    op: 'MaxPool',
    inputs: [f32(2, 3, 7, 9)],
    attributes: { ...kernel, strides: ints([3, 2]), auto_pad: string('VALID') },
  },
  {
    op: 'MaxPool',
    inputs: [f32(2, 3, 7)],
    attributes: { kernel_shape: ints([2]), strides: ints([2]), ceil_mode: int(1) },
    outputs: 2,
  },
  // The last window would start in the padding.
  {
    op: 'MaxPool',
    inputs: [f32(1, 1, 3, 3)],
    attributes: {
      kernel_shape: ints([2, 2]),
      strides: ints([3, 3]),
      pads: ints([0, 0, 1, 1]),
      ceil_mode: int(1),
    },
  },
  {
    op: 'MaxPool',
    inputs: [f32(1, 1, 6, 6)],
    attributes: {
      kernel_shape: ints([3, 3]),
      strides: ints([4, 4]),
      pads: ints([1, 1, 1, 1]),
      ceil_mode: int(1),
    },
  },
  { op: 'AveragePool', inputs: [f32(2, 3, 7, 8)], attributes: kernel },
  {
    op: 'AveragePool',
    inputs: [f32(2, 3, 7, 8)],
    attributes: { ...kernel, pads: ints([1, 1, 1, 1]), count_include_pad: int(1) },
  },
  {
    op: 'AveragePool',
    inputs: [f32(2, 3, 7, 8)],
    attributes: { ...kernel, strides: ints([2, 3]), ceil_mode: int(1) },
  },
  {
    op: 'AveragePool',
    inputs: [f32(2, 3, 7, 8)],
    attributes: { ...kernel, strides: ints([2, 3]), auto_pad: string('SAME_UPPER') },
  },
  { op: 'AveragePool', inputs: [f32(2, 3, 9, 8)], attributes: { ...kernel, dilations: ints([2, 2]) } },
  {
    op: 'MaxUnpool',
    inputs: [f32(1, 2, 2, 2), i64([0, 3, 8, 11, 17, 18, 24, 27], [1, 2, 2, 2])],
    attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
  },
  {
    op: 'MaxUnpool',
    inputs: [f32(1, 1, 2, 2), i64([0, 3, 12, 14], [1, 1, 2, 2]), i64([1, 1, 5, 4])],
    attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
  },
  { op: 'GlobalAveragePool', inputs: [f32(2, 3, 4, 5)] },
  { op: 'GlobalMaxPool', inputs: [f32(2, 3, 4)] },
];

describe('pooling rules', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('refuse a kernel of other axes than the input, none, and an unknown auto_pad', () => {
    expect(() => infer({ op: 'MaxPool', inputs: [f32(1, 3, 8)], attributes: kernel })).toThrow(
      'input [1,3,8] does not fit a kernel of 2 axes',
    );
    expect(() => infer({ op: 'MaxPool', inputs: [f32(1, 3, 8, 8)] })).toThrow('"kernel_shape" is missing');
    expect(() =>
      infer({
        op: 'AveragePool',
        inputs: [f32(1, 3, 8, 8)],
        attributes: { ...kernel, auto_pad: string('SAME') },
      }),
    ).toThrow('auto_pad "SAME" is unknown');
    expect(() => infer({ op: 'GlobalMaxPool', inputs: [f32(1, 3)] })).toThrow('at least 3 dimensions');
  });
});
