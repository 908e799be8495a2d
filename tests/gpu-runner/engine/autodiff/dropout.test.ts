import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../../gpu-runner/engine/autodiff/differentiate.ts';
import { dropoutTraining } from '../../../../gpu-runner/engine/autodiff/dropout.ts';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import type { Node } from '../../../../gpu-runner/onnx/graph.ts';

const dims = [4, 50];

function inputs(): Emitter {
  const emit = new Emitter('dropout');
  emit.input('x', 'float32', dims);
  emit.input('noise', 'float32', dims);
  return emit;
}

const nodeOf = (ratio: string, outputs = ['y']): Node => ({
  name: 'drop',
  op: 'Dropout',
  domain: '',
  inputs: ratio === '' ? ['x'] : ['x', ratio],
  outputs,
  attributes: {},
});

/** y and the derivative of sum(y) by x, where x is all ones. */
async function train(ratio: number | undefined, seed: number): Promise<{ y: number[]; dx: number[] }> {
  const emit = inputs();
  const y = dropoutTraining(emit, nodeOf(ratio === undefined ? '' : emit.scalar(ratio, 'x')), 'noise');
  const dx = differentiate(emit, emit.sum(emit.mul(y, 'x'), [0, 1], false), ['x']).get('x') ?? '';
  const shown = emit.op('Identity', [y]);
  emit.output(shown);
  emit.output(dx);
  const random = new Random(seed);
  const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
  const results = await session.run({
    x: { dtype: 'float32', dims, data: new Float32Array(200).fill(1) },
    noise: { dtype: 'float32', dims, data: Float32Array.from({ length: 200 }, () => random.uniform()) },
  });
  await session.release();
  const numbers = (value: string): number[] => Array.from(results[value]?.data ?? [], Number);
  return { y: numbers(shown), dx: numbers(dx) };
}

describe('dropout()', () => {
  it('passes the gradient on at inference', () => {
    const emit = inputs();
    const y = emit.op('Dropout', ['x']);
    const loss = emit.sum(emit.mul(y, 'noise'), [0, 1], false);
    const grads = differentiate(emit, loss, ['x', 'noise']);
    // By x it is what flows into y, by noise a product with y: nothing in between.
    const product = emit.graph.nodes.find((node) => node.outputs[0] === grads.get('x'));
    expect(product?.op).toBe('Mul');
    expect(product?.inputs).toContain('noise');
  });

  it('refuses the training mode of the operator', () => {
    const emit = inputs();
    const training = emit.constant({ dtype: 'bool', dims: [], data: Uint8Array.of(1) });
    const y = emit.op('Dropout', ['x', emit.scalar(0.5, 'x'), training]);
    const loss = emit.sum(y, [0, 1], false);
    expect(() => differentiate(emit, loss, ['x'])).toThrow(/Cannot differentiate Dropout .*training_mode/);
  });
});

describe('dropoutTraining()', () => {
  it('zeroes the ratio asked for and lets the others grow', async () => {
    const { y } = await train(0.25, 1);
    const dropped = y.filter((value) => value === 0).length;
    // 200 draws of 0.25: 50 with a deviation of 6.
    expect(dropped).toBeGreaterThan(25);
    expect(dropped).toBeLessThan(75);
    for (const value of y.filter((one) => one !== 0)) expect(value).toBeCloseTo(4 / 3, 6);
  });

  it('drops half when no ratio is given', async () => {
    const { y } = await train(undefined, 1);
    expect(new Set(y)).toEqual(new Set([0, 2]));
  });

  it('has the same mask forward and backward', async () => {
    const { y, dx } = await train(0.4, 3);
    // The loss is the sum of x y = gain x^2, whose derivative at 1 is twice the gain.
    expect(dx.map((value) => value / 2)).toEqual(y);
  });

  it('has the mask of its noise: the same for the same seed', async () => {
    expect(await train(0.4, 3)).toEqual(await train(0.4, 3));
    expect((await train(0.4, 3)).y).not.toEqual((await train(0.4, 4)).y);
  });

  it('emits nothing for ratio 0', () => {
    const emit = inputs();
    expect(dropoutTraining(emit, nodeOf(emit.scalar(0, 'x')), 'noise')).toBe('x');
    expect(emit.graph.nodes).toHaveLength(0);
  });

  it('refuses a ratio it cannot use', () => {
    const emit = inputs();
    expect(() => dropoutTraining(emit, nodeOf(emit.scalar(1, 'x')), 'noise')).toThrow(/its ratio 1 is not/);
    expect(() => dropoutTraining(emit, nodeOf('x'), 'noise')).toThrow(/its ratio is not a constant/);
  });

  it('refuses noise of another shape, and a used mask', () => {
    const emit = inputs();
    emit.input('other', 'float32', [4, 49]);
    expect(() => dropoutTraining(emit, nodeOf(''), 'other')).toThrow(/noise is \[4,49\], its input \[4,50\]/);
    expect(() => dropoutTraining(emit, nodeOf('', ['y', 'mask']), 'noise')).toThrow(/mask output is used/);
  });
});
