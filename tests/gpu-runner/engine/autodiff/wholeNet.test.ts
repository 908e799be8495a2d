import { expect, test } from 'vitest';
import { batchNormalizationTraining } from '../../../../gpu-runner/engine/autodiff/batchNormalization.ts';
import { float, int } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError, type Array64 } from '../gradientCheck.ts';
import { attributesOf, convolve, maximumPool } from './windowReference.ts';

const inputs = {
  x: [3, 1, 10, 9],
  kernel1: [3, 1, 3, 3],
  bias1: [3],
  scale: [3],
  shift: [3],
  kernel2: [4, 3, 3, 3],
  bias2: [4],
  dense: [5, 16],
  bias3: [5],
};
const [first, pooling, second] = [
  { kernel: [3, 3] },
  { kernel: [2, 2], strides: [2, 2] },
  { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
];
const epsilon = 1e-3;

/** The same net, in float64, from the definitions. */
function reference(given: Readonly<Record<string, Array64>>): Float64Array {
  const read = (name: keyof typeof inputs): Array64 => given[name] ?? { dims: [], data: new Float64Array() };
  const c1 = convolve(read('x'), read('kernel1'), read('bias1'), first);
  const normal = mapChannels(c1, (values, channel) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    const gain = (read('scale').data[channel] ?? NaN) / Math.sqrt(variance + epsilon);
    return values.map((value) => (value - mean) * gain + (read('shift').data[channel] ?? NaN));
  });
  const pooled = maximumPool({ ...normal, data: normal.data.map((value) => Math.max(0, value)) }, pooling);
  const c2 = convolve(pooled, read('kernel2'), read('bias2'), second);
  const hidden = c2.data.map((value) => (value > 0 ? value : 0.1 * value));
  const rows = Array.from({ length: 3 }, (_, sample) => {
    const logits = Array.from(read('bias3').data, (bias, column) =>
      hidden
        .subarray(sample * 16, (sample + 1) * 16)
        .reduce((sum, value, at) => sum + value * (read('dense').data[column * 16 + at] ?? NaN), bias),
    );
    const log = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    return logits.map((logit) => logit - log);
  });
  return Float64Array.from(rows.flat());
}

/** Applies `change` to all values of each channel of [batch, channels, ...]. */
function mapChannels(
  { dims, data }: Array64,
  change: (values: number[], channel: number) => number[],
): Array64 {
  const [, channels = 1, ...places] = dims;
  const size = places.reduce((product, place) => product * place, 1);
  const result = new Float64Array(data.length);
  for (let channel = 0; channel < channels; channel += 1) {
    const indices = [...data.keys()].filter((index) => Math.floor(index / size) % channels === channel);
    const changed = change(
      indices.map((index) => data[index] ?? NaN),
      channel,
    );
    indices.forEach((index, at) => (result[index] = changed[at] ?? NaN));
  }
  return { dims, data: result };
}

test.each(['cpu', 'webgpu'] as const)('a whole net: every gradient, in the forms for %s', async (forms) => {
  const error = await gradientError({
    inputs,
    // All but bias1, which the normalisation takes out again: its derivative is 0 and all noise.
    wrt: Object.keys(inputs).filter((name) => name !== 'bias1'),
    forms,
    dtype: 'float32',
    reference,
    build: (emit, values) => {
      const read = (name: keyof typeof inputs): string => values[name] ?? '';
      const convolution = [read('x'), read('kernel1'), read('bias1')];
      const c1 = emit.op('Conv', convolution, attributesOf(first));
      const statistics = [emit.constant(filled(3, 0)), emit.constant(filled(3, 1))];
      const node = {
        ...{ name: 'norm', op: 'BatchNormalization', domain: '', outputs: ['normal'] },
        inputs: [c1, read('scale'), read('shift'), ...statistics],
        attributes: { epsilon: float(epsilon) },
      };
      const normal = batchNormalizationTraining(emit, node).output;
      const pooled = emit.op('MaxPool', [emit.op('Relu', [normal])], attributesOf(pooling));
      const c2 = emit.op('Conv', [pooled, read('kernel2'), read('bias2')], attributesOf(second));
      const hidden = emit.op('LeakyRelu', [c2], { alpha: float(0.1) });
      const flat = emit.op('Flatten', [hidden]);
      const logits = emit.op('Gemm', [flat, read('dense'), read('bias3')], { transB: int(1) });
      return emit.op('LogSoftmax', [logits]);
    },
  });
  expect(error).toBeLessThan(1e-4);
});

const filled = (length: number, value: number) =>
  ({ dtype: 'float32', dims: [length], data: new Float32Array(length).fill(value) }) as const;
