import { describe, expect, it } from 'vitest';
import { batchNormalizationTraining } from '../../../../gpu-runner/engine/autodiff/batchNormalization.ts';
import { differentiate } from '../../../../gpu-runner/engine/autodiff/differentiate.ts';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import { float, int, type Attribute, type Node } from '../../../../gpu-runner/onnx/graph.ts';
import type { Tensor } from '../../../../shared/tensor.ts';
import { gradientError, randomArray, type Array64 } from '../gradientCheck.ts';

const names = ['x', 'scale', 'bias', 'mean', 'variance'];

const nodeOf = (attributes: Record<string, Attribute> = {}, inputs = names): Node => ({
  name: 'bn',
  op: 'BatchNormalization',
  domain: '',
  inputs,
  outputs: ['y'],
  attributes,
});

const positive = (channels: number): Array64 => ({
  dims: [channels],
  data: Float64Array.from({ length: channels }, (_, channel) => 0.3 + channel),
});

interface Statistics {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** Per channel over everything else, the variance over N. */
function statisticsOf({ dims, data }: Array64): Statistics {
  const [, channels = 1, ...rest] = dims;
  const inner = rest.reduce((product, dim) => product * dim, 1);
  const channelOf = (index: number): number => Math.floor(index / inner) % channels;
  const average = (value: (element: number, channel: number) => number): Float64Array => {
    const sums = new Float64Array(channels);
    data.forEach((element, index) => {
      const channel = channelOf(index);
      sums[channel] = (sums[channel] ?? NaN) + value(element, channel);
    });
    return sums.map((sum) => sum / (data.length / channels));
  };
  const mean = average((element) => element);
  return { mean, variance: average((element, channel) => (element - (mean[channel] ?? NaN)) ** 2) };
}

const single = ({ dims, data }: Array64): Tensor => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from(data),
});

const numbers = (tensor: Tensor | undefined): number[] => Array.from(tensor?.data ?? [], Number);

/** A graph of the training form in float32, its gradients by x, scale and bias included. */
function emitTraining(dims: readonly number[], attributes: Record<string, Attribute> = {}) {
  const emit = new Emitter('training');
  const [, channels = 1] = dims;
  emit.input('x', 'float32', dims);
  for (const name of names.slice(1)) emit.input(name, 'float32', [channels]);
  const form = batchNormalizationTraining(emit, nodeOf(attributes));
  emit.input('dy', 'float32', dims);
  const loss = emit.sum(emit.mul(form.output, 'dy'), [...dims.keys()], false);
  const grads = differentiate(emit, loss, ['x', 'scale', 'bias']);
  for (const value of [form.output, form.runningMean, form.runningVariance, ...grads.values()])
    emit.output(value);
  return { emit, form, grads };
}

describe('batchNormalization()', () => {
  it.each([[[3, 4]], [[2, 3, 5]], [[2, 3, 4, 3]], [[2, 1, 2, 3, 2]]])(
    'agrees with central differences by all five inputs, input %j',
    async (dims) => {
      const [, channels = 1] = dims;
      const error = await gradientError({
        inputs: {
          x: dims,
          scale: [channels],
          bias: [channels],
          mean: [channels],
          variance: positive(channels),
        },
        build: (emit, inputs) =>
          emit.op(
            'BatchNormalization',
            names.map((name) => inputs[name] ?? ''),
            { epsilon: float(1e-3) },
          ),
      });
      expect(error).toBeLessThan(1e-7);
    },
  );

  it('carries the gradient on into statistics computed in the graph', async () => {
    const error = await gradientError({
      inputs: { x: [3, 2, 4], scale: [2], bias: [2] },
      build: (emit, { x = '', scale = '', bias = '' }) => {
        const average = (value: string): string =>
          emit.op('ReduceMean', [value, emit.int64s([0, 2])], { keepdims: int(0) });
        const difference = emit.sub(x, emit.reshape(average(x), [2, 1]));
        const variance = average(emit.mul(difference, difference));
        return emit.op('BatchNormalization', [x, scale, bias, average(x), variance]);
      },
    });
    expect(error).toBeLessThan(1e-7);
  });

  it('gives only the derivatives asked for', () => {
    const emit = new Emitter('frozen');
    emit.input('x', 'float32', [2, 3, 4, 4]);
    for (const name of names.slice(1)) emit.input(name, 'float32', [3]);
    const loss = emit.sum(emit.op('BatchNormalization', names), [0, 1, 2, 3], false);
    expect([...differentiate(emit, loss, ['x']).keys()]).toEqual(['x']);
  });

  it('keeps its digits where the mean is large against the deviation', async () => {
    const random = new Random(11);
    const dims = [8, 2, 6, 6];
    const x = { dims, data: randomArray(dims, random).data.map((value) => Math.fround(3000 + value)) };
    const dy = randomArray(dims, random);
    const mean = Float64Array.of(3000, 3000);
    const emit = new Emitter('large mean');
    emit.input('x', 'float32', dims);
    for (const name of names.slice(1)) emit.input(name, 'float32', [2]);
    emit.input('dy', 'float32', dims);
    const loss = emit.sum(
      emit.mul(emit.op('BatchNormalization', names, { epsilon: float(0) }), 'dy'),
      [0, 1, 2, 3],
      false,
    );
    const wanted = differentiate(emit, loss, ['scale']).get('scale') ?? '';
    emit.output(wanted);
    const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
    const one = single({ dims: [2], data: Float64Array.of(1, 1) });
    const results = await session.run({
      x: single(x),
      scale: one,
      bias: one,
      mean: single({ dims: [2], data: mean }),
      variance: one,
      dy: single(dy),
    });
    await session.release();
    const expected = [0, 1].map((channel) =>
      x.data.reduce(
        (sum, value, index) =>
          Math.floor(index / 36) % 2 === channel
            ? sum + (value - 3000) * Math.fround(dy.data[index] ?? NaN)
            : sum,
        0,
      ),
    );
    // sum(dy x) - mean sum(dy) would be off by about 3000 * 2^-24 * 288 = 0.05.
    numbers(results[wanted]).forEach((value, channel) => {
      expect(Math.abs(value - (expected[channel] ?? NaN))).toBeLessThan(1e-3);
    });
  });

  it('refuses the training mode of the operator', () => {
    const emit = new Emitter('training mode');
    emit.input('x', 'float32', [2, 3, 4, 4]);
    for (const name of names.slice(1)) emit.input(name, 'float32', [3]);
    const node = emit.node('BatchNormalization', names, {
      outputs: 3,
      attributes: { training_mode: int(1) },
    });
    const loss = emit.sum(node.outputs[0] ?? '', [0, 1, 2, 3], false);
    expect(() => differentiate(emit, loss, ['x'])).toThrow(
      /Cannot differentiate BatchNormalization .*training_mode/,
    );
  });
});

describe('batchNormalizationTraining()', () => {
  it.each([[[5, 3]], [[3, 2, 4]], [[2, 3, 4, 3]]])(
    'agrees with central differences through the batch statistics, input %j',
    async (dims) => {
      const [, channels = 1] = dims;
      const error = await gradientError({
        inputs: {
          x: dims,
          scale: [channels],
          bias: [channels],
          mean: [channels],
          variance: positive(channels),
        },
        wrt: ['x', 'scale', 'bias'],
        build: (emit, inputs) =>
          batchNormalizationTraining(
            emit,
            nodeOf(
              {},
              names.map((name) => inputs[name] ?? ''),
            ),
          ).output,
      });
      expect(error).toBeLessThan(1e-7);
    },
  );

  it('normalises by the batch, whatever the running statistics', async () => {
    const dims = [4, 3, 5, 2];
    const x = randomArray(dims, new Random(2));
    const { emit, form } = emitTraining(dims, { epsilon: float(0) });
    const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
    const [scale, bias] = [Float64Array.of(2, 1, 0.5), Float64Array.of(-1, 0, 3)];
    const stale = single({ dims: [3], data: Float64Array.of(9, 9, 9) });
    const results = await session.run({
      x: single(x),
      scale: single({ dims: [3], data: scale }),
      bias: single({ dims: [3], data: bias }),
      mean: stale,
      variance: stale,
      dy: single(x),
    });
    await session.release();
    const after = statisticsOf({ dims, data: Float64Array.from(numbers(results[form.output])) });
    bias.forEach((value, channel) => {
      expect(after.mean[channel]).toBeCloseTo(value, 5);
      expect(after.variance[channel]).toBeCloseTo((scale[channel] ?? NaN) ** 2, 4);
    });
  });

  it('moves the running statistics by ONNX momentum, the variance over N', async () => {
    const dims = [4, 2, 3, 2];
    const x = randomArray(dims, new Random(4));
    const { emit, form } = emitTraining(dims, { momentum: float(0.75) });
    const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
    const one = single({ dims: [2], data: Float64Array.of(1, 1) });
    const results = await session.run({
      x: single(x),
      scale: one,
      bias: one,
      mean: single({ dims: [2], data: Float64Array.of(2, -2) }),
      variance: single({ dims: [2], data: Float64Array.of(3, 5) }),
      dy: single(x),
    });
    await session.release();
    const batch = statisticsOf(x);
    [2, -2].forEach((running, channel) => {
      const expected = 0.75 * running + 0.25 * (batch.mean[channel] ?? NaN);
      expect(numbers(results[form.runningMean])[channel]).toBeCloseTo(expected, 5);
    });
    [3, 5].forEach((running, channel) => {
      const expected = 0.75 * running + 0.25 * (batch.variance[channel] ?? NaN);
      expect(numbers(results[form.runningVariance])[channel]).toBeCloseTo(expected, 5);
    });
  });

  it('has a gradient that neither shifts nor scales the batch', async () => {
    // y does not change when x is shifted or scaled, so dx is orthogonal to both directions in every channel.
    const dims = [4, 2, 3, 3];
    const random = new Random(6);
    const x = randomArray(dims, random);
    const { emit, grads } = emitTraining(dims, { epsilon: float(0) });
    const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
    const one = single({ dims: [2], data: Float64Array.of(1, 1) });
    const results = await session.run({
      x: single(x),
      scale: one,
      bias: one,
      mean: one,
      variance: one,
      dy: single(randomArray(dims, random)),
    });
    await session.release();
    const dx = numbers(results[grads.get('x') ?? '']);
    expect(Math.max(...dx.map(Math.abs))).toBeGreaterThan(0.1);
    const shift = statisticsOf({ dims, data: Float64Array.from(dx) }).mean;
    const scaling = statisticsOf({
      dims,
      data: x.data.map((value, index) => value * (dx[index] ?? NaN)),
    }).mean;
    for (const value of [...shift, ...scaling]) expect(Math.abs(value)).toBeLessThan(1e-6);
  });
});
