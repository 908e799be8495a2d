import { describe, expect, test } from 'vitest';
import { difference, stepLabel } from '../../../gpu-runner/mtz/difference.ts';
import type { Channelwise, Convolution, Layer, Plain, Step } from '../../../gpu-runner/mtz/topology.ts';
import { int, ints } from '../../../gpu-runner/onnx/graph.ts';

const window: Convolution = { kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] };
const conv: Layer = { kind: 'layer', name: 'c5', input: 0, output: 1, convolution: window };
const pool: Plain = {
  ...{ kind: 'plain', name: 'pool', op: 'MaxPool', inputs: [0], output: 1, scalars: [] },
  attributes: { kernel_shape: ints([2, 2]) },
};
const clip: Plain = { ...pool, name: 'act', op: 'Clip', attributes: {}, scalars: [0, null] };
const norm: Channelwise = {
  ...{ kind: 'channelwise', name: 'bn', input: 0, output: 1, convolution: null, perTask: true },
};

describe('difference', () => {
  test.each<[Step, Step, string]>([
    [
      conv,
      { ...conv, name: 'd5', convolution: { ...window, kernel: [5, 5] } },
      'conv "c5" of "a" has kernel 3x3, conv "d5" of "b" 5x5',
    ],
    [
      pool,
      { ...pool, attributes: { ...pool.attributes, ceil_mode: int(1) } },
      'MaxPool "pool" of "a" has no ceil_mode, MaxPool "pool" of "b" 1',
    ],
    [
      clip,
      { ...clip, scalars: [0, 6] },
      'Clip "act" of "a" has constant 0 and none, Clip "act" of "b" 0 and 6',
    ],
    [
      conv,
      pool,
      '"a" has conv "c5" (kernel 3x3, strides 1x1, pads 1,1,1,1, dilations 1x1), "b" MaxPool "pool" (kernel_shape 2x2)',
    ],
    [{ ...conv, convolution: null }, norm, '"a" has dense layer "c5", "b" batch normalisation "bn"'],
    [
      { kind: 'concat', name: 'cat', inputs: [1, 2], output: 3 },
      { kind: 'concat', name: 'cat', inputs: [1, 2, 3], output: 4 },
      'concat "cat" of "a" has parts 2, concat "cat" of "b" 3',
    ],
    [
      { kind: 'select', name: 'half', input: 1, segments: [0], output: 3 },
      { kind: 'select', name: 'half', input: 1, segments: [1, 2], output: 3 },
      'select "half" of "a" has parts 0, select "half" of "b" 1 and 2',
    ],
    [
      norm,
      { ...norm, name: 'bn2' },
      'batch normalisation "bn" of "a" is used otherwise than batch normalisation "bn2" of "b"',
    ],
  ])('difference() says in what two steps differ (%#)', (a, b, sentence) => {
    expect(difference(a, 'a', b, 'b')).toBe(sentence);
  });

  test('stepLabel() tells kinds of steps apart', () => {
    expect(
      [conv, norm, { ...norm, perTask: false }, { ...norm, convolution: window }].map(stepLabel),
    ).toEqual(['conv "c5"', 'batch normalisation "bn"', 'scale and shift "bn"', 'depthwise conv "bn"']);
  });
});
