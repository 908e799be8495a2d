import { adamW, type AdamWOptions } from './adamW.ts';
import type { Optimiser } from './optimiser.ts';
import { sgd, type SgdOptions } from './sgd.ts';

/** `weightDecay` applies to weights only, never to biases and normalisation. */
export type OptimiserOptions = { readonly weightDecay?: number } & (SgdOptions | AdamWOptions);

/** @throws {RangeError} when an option is out of range. */
export function createOptimiser(options: OptimiserOptions): Optimiser {
  if (!((options.weightDecay ?? 0) >= 0))
    throw new RangeError(`Cannot decay weights by ${options.weightDecay ?? ''}: it must be at least 0`);
  switch (options.kind) {
    case 'sgd':
      return sgd(options);
    case 'adamw':
      return adamW(options);
    default:
      return options satisfies never;
  }
}
