import type { Tensor } from '../../shared/tensor.ts';
import type { Parameter } from './parameters.ts';

/** 0 or 1 for every element of a parameter: those at 0 stay exactly 0 while it is trained. */
export type Masks = ReadonlyMap<string, Tensor>;

/**
 * What is pruned in a weight: 1 where it is not 0, else 0.
 *
 * @throws {Error} when the weight is not of numbers.
 */
export function maskOfZeros(weight: Tensor): Tensor<'uint8'> {
  if (weight.dtype === 'string') throw new Error('Cannot make a mask: the weight is of strings');
  const data = Uint8Array.from(weight.data as ArrayLike<number | bigint>, (value) =>
    Number(value) === 0 ? 0 : 1,
  );
  return { dtype: 'uint8', dims: weight.dims, data };
}

/**
 * The masks of those initializers that have zeros, be it one: all of them stay 0.
 *
 * @param names of the initializers to look at, weights and not biases, which nobody prunes; unknown ones have no mask
 */
export function masksOfZeros(
  initializers: ReadonlyMap<string, Tensor>,
  names: Iterable<string>,
): Map<string, Tensor<'uint8'>> {
  const masks = new Map<string, Tensor<'uint8'>>();
  for (const name of names) {
    const tensor = initializers.get(name);
    if (!tensor || tensor.dtype === 'string') continue;
    const mask = maskOfZeros(tensor);
    if (mask.data.includes(0)) masks.set(name, mask);
  }
  return masks;
}

/**
 * Masks as factors of the gradients, by the parameter's name.
 *
 * @throws {Error} when a mask is of no trained parameter, has other dims, or holds anything but 0 and 1.
 */
export function maskFactors(masks: Masks, parameters: readonly Parameter[]): Map<string, Float32Array> {
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  return new Map(
    [...masks].map(([name, { dims, data }]) => {
      const parameter = byName.get(name);
      if (!parameter) throw new Error(`Cannot mask "${name}": it is not trained`);
      if (dims.join() !== parameter.dims.join())
        throw new Error(`Cannot mask "${name}": it is [${parameter.dims.join()}], its mask [${dims.join()}]`);
      const factors = Float32Array.from(data as ArrayLike<number | bigint>, Number);
      const wrong = factors.findIndex((value) => value !== 0 && value !== 1);
      if (wrong >= 0)
        throw new Error(
          `Cannot mask "${name}": element ${wrong} of its mask is ${factors[wrong] ?? ''}, not 0 or 1`,
        );
      return [name, factors];
    }),
  );
}
