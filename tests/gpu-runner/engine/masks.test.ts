import { describe, expect, it } from 'vitest';
import { maskFactors, maskOfZeros, masksOfZeros } from '../../../gpu-runner/engine/masks.ts';
import { layOutParameters } from '../../../gpu-runner/engine/parameters.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { denseNet } from './tinyNets.ts';

const vector = (...values: number[]): Tensor<'float32'> => ({
  dtype: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
});

describe('maskOfZeros()', () => {
  it('is 0 exactly where the weight is, whatever its type', () => {
    expect(maskOfZeros(vector(0, -0, 1e-45, -3))).toEqual({
      dtype: 'uint8',
      dims: [4],
      data: Uint8Array.of(0, 0, 1, 1),
    });
    expect(maskOfZeros({ dtype: 'int64', dims: [2], data: BigInt64Array.of(0n, 2n) }).data).toEqual(
      Uint8Array.of(0, 1),
    );
  });

  it('refuses text', () => {
    expect(() => maskOfZeros({ dtype: 'string', dims: [1], data: ['a'] })).toThrow('of strings');
  });
});

describe('masksOfZeros()', () => {
  const initializers = new Map<string, Tensor>([
    ['sparse', vector(0, 1, 0, 2)],
    ['dense', vector(1, 2)],
    ['nearly', vector(0, ...Array<number>(30).fill(1))],
  ]);

  it('finds the weights with zeros among those named, be it one in many', () => {
    const masks = masksOfZeros(initializers, ['sparse', 'dense', 'nearly', 'unknown']);
    expect([...masks.keys()]).toEqual(['sparse', 'nearly']);
    expect(masks.get('sparse')?.data).toEqual(Uint8Array.of(0, 1, 0, 1));
    expect([...masksOfZeros(initializers, ['dense', 'nearly']).keys()]).toEqual(['nearly']);
  });
});

describe('maskFactors()', () => {
  const parameters = layOutParameters(denseNet(), ['b1', 'b2']);

  it('takes masks of any number type', () => {
    const mask: Tensor = { dtype: 'bool', dims: [3], data: Uint8Array.of(1, 0, 1) };
    expect(maskFactors(new Map([['b2', mask]]), parameters)).toEqual(
      new Map([['b2', Float32Array.of(1, 0, 1)]]),
    );
  });

  it.each([
    ['of what is not trained', 'w1', vector(1), 'Cannot mask "w1": it is not trained'],
    ['of other dims', 'b2', vector(1, 1), 'Cannot mask "b2": it is [3], its mask [2]'],
    ['of other numbers', 'b2', vector(1, 0.5, 0), 'element 1 of its mask is 0.5, not 0 or 1'],
  ])('refuses a mask %s', (_, name, mask, message) => {
    expect(() => maskFactors(new Map([[name, mask]]), parameters)).toThrow(message);
  });
});
