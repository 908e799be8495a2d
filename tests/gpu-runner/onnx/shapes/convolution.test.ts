import { describe, expect, it } from 'vitest';
import { int, ints, string } from '../../../../gpu-runner/onnx/graph.ts';
import { expectAsOrt, f32, infer, title, type NodeCase } from '../single-node.ts';

const cases: NodeCase[] = [
  { op: 'Conv', inputs: [f32(2, 3, 9, 8), f32(4, 3, 3, 2), f32(4)] },
  {
    op: 'Conv',
    inputs: [f32(2, 3, 9, 8), f32(4, 3, 3, 3)],
    attributes: { strides: ints([2, 3]), pads: ints([1, 0, 2, 1]) },
  },
  {
    op: 'Conv',
    inputs: [f32(2, 3, 9, 8), f32(4, 3, 3, 3)],
    attributes: { dilations: ints([2, 3]), kernel_shape: ints([3, 3]) },
  },
  {
    op: 'Conv',
    inputs: [f32(2, 4, 5, 5), f32(6, 2, 3, 3)],
    attributes: { group: int(2), pads: ints([1, 1, 1, 1]) },
  },
  {
    op: 'Conv',
    inputs: [f32(2, 4, 5, 5), f32(4, 1, 3, 3)],
    attributes: { group: int(4), auto_pad: string('SAME_UPPER'), strides: ints([2, 2]) },
  },
  {
    op: 'Conv',
    inputs: [f32(2, 4, 7, 6), f32(4, 4, 2, 3)],
    attributes: { auto_pad: string('SAME_LOWER'), strides: ints([2, 3]) },
  },
  {
    op: 'Conv',
    inputs: [f32(2, 4, 7, 6), f32(4, 4, 2, 3)],
    attributes: { auto_pad: string('VALID'), strides: ints([2, 2]) },
  },
  {
    op: 'Conv',
    inputs: [f32(2, 3, 11), f32(5, 3, 4)],
    attributes: { strides: ints([3]), pads: ints([2, 0]) },
  },
  { op: 'Conv', inputs: [f32(1, 2, 4, 5, 6), f32(3, 2, 2, 3, 3)], attributes: { strides: ints([1, 2, 1]) } },
  { op: 'ConvTranspose', inputs: [f32(2, 4, 5, 3), f32(4, 3, 3, 2), f32(3)] },
  {
    op: 'ConvTranspose',
    inputs: [f32(2, 4, 5, 3), f32(4, 3, 3, 3)],
    attributes: { strides: ints([2, 3]), pads: ints([1, 0, 1, 2]), output_padding: ints([1, 0]) },
  },
  {
    op: 'ConvTranspose',
    inputs: [f32(2, 4, 5, 3), f32(4, 3, 3, 3)],
    attributes: { group: int(2), dilations: ints([2, 1]), strides: ints([2, 2]) },
  },
  {
    op: 'ConvTranspose',
    inputs: [f32(2, 4, 5, 3), f32(4, 3, 3, 3)],
    attributes: { strides: ints([2, 2]), auto_pad: string('SAME_UPPER') },
  },
  {
    op: 'ConvTranspose',
    inputs: [f32(2, 4, 5, 3), f32(4, 3, 3, 3)],
    attributes: { strides: ints([2, 2]), output_shape: ints([10, 6]) },
  },
  { op: 'ConvTranspose', inputs: [f32(2, 4, 5), f32(4, 3, 2)], attributes: { strides: ints([2]) } },
];

describe('convolution rules', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('name both channel counts when they differ', () => {
    expect(() => infer({ op: 'Conv', inputs: [f32(1, 64, 8, 8), f32(16, 32, 3, 3)] })).toThrow(
      'Cannot infer Conv "node" (opset 21): input has 64 channels, weight expects 32',
    );
  });

  it('refuse a kernel that does not fit, wrong groups, attributes of the wrong length, a bias of another size', () => {
    const [x, w] = [f32(1, 3, 4, 4), f32(4, 3, 5, 5)];
    expect(() => infer({ op: 'Conv', inputs: [x, w] })).toThrow(
      'a window of 5 does not fit 4 elements padded by 0',
    );
    expect(() =>
      infer({ op: 'Conv', inputs: [f32(1, 4, 4, 4), f32(3, 2, 3, 3)], attributes: { group: int(2) } }),
    ).toThrow('3 output channels in 2 groups');
    expect(() =>
      infer({ op: 'Conv', inputs: [x, f32(4, 3, 3, 3)], attributes: { strides: ints([2]) } }),
    ).toThrow('strides has 1 entries, expected 2');
    expect(() =>
      infer({ op: 'Conv', inputs: [x, f32(4, 3, 3, 3)], attributes: { strides: ints([0, 1]) } }),
    ).toThrow('must be at least 1');
    expect(() => infer({ op: 'Conv', inputs: [x, f32(4, 3, 3, 3), f32(5)] })).toThrow('5 against 4');
    expect(() =>
      infer({ op: 'Conv', inputs: [x, f32(4, 3, 3, 3)], attributes: { kernel_shape: ints([3, 2]) } }),
    ).toThrow('differs from weight');
    expect(() => infer({ op: 'ConvTranspose', inputs: [x, f32(4, 3, 3, 3)] })).toThrow('3 against 4');
    expect(() =>
      infer({
        op: 'ConvTranspose',
        inputs: [f32(1, 4, 1, 1), f32(4, 3, 3, 3)],
        attributes: { pads: ints([2, 2, 2, 2]) },
      }),
    ).toThrow('spatial size [-1,-1]');
  });
});
