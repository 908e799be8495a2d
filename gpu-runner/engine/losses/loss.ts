import type { Emitter } from '../emitter.ts';

/** A loss written into a graph with its derivative: known in closed form, and exact where rules would meet a kink. */
export interface EmittedLoss {
  /** The loss, a float scalar: the mean over the batch. */
  readonly value: string;
  /** Its derivative by the network's output, same dims as the output. */
  readonly grad: string;
}

/**
 * @param output what the network gives, [batch, width]
 * @param targets what it should give, same dims
 */
export type Loss = (emit: Emitter, output: string, targets: string) => EmittedLoss;

/** The sum over all elements, times `factor`, as a scalar. */
export function scaledSum(emit: Emitter, value: string, factor: number): string {
  return emit.scale(emit.sum(value, [...emit.dims(value).keys()], false), factor);
}

/** @throws {Error} when the output is not [batch, width] or the targets have other dims. */
export function batchOf(
  emit: Emitter,
  loss: string,
  output: string,
  targets: string,
): { batch: number; width: number } {
  const [dims, targetDims] = [emit.dims(output), emit.dims(targets)];
  const [batch, width] = dims;
  if (dims.length !== 2 || batch === undefined || width === undefined) {
    throw new Error(`Cannot take ${loss} of "${output}": it is [${dims.join()}], not [batch, width]`);
  }
  if (dims.join() !== targetDims.join()) {
    throw new Error(
      `Cannot take ${loss} of "${output}": it is [${dims.join()}], its targets [${targetDims.join()}]`,
    );
  }
  return { batch, width };
}
