import type { Optimiser } from './optimiser.ts';

export interface SgdOptions {
  readonly kind: 'sgd';
  /** 0 (plain gradient descent) to below 1; default 0.9. */
  readonly momentum?: number;
  /** Looks one step ahead (Nesterov's form); default true. */
  readonly nesterov?: boolean;
}

/**
 * v = momentum v + g, p = p - rate (g + momentum v) (Nesterov) or p - rate v. Weight decay is added to the gradient.
 * The form of Sutskever et al. 2013 as deep-learning libraries write it: the rate outside the velocity.
 *
 * @throws {RangeError} when the momentum is not in [0, 1).
 */
export function sgd({ momentum = 0.9, nesterov = true }: SgdOptions): Optimiser {
  if (!(momentum >= 0 && momentum < 1))
    throw new RangeError(`Cannot use momentum ${momentum}: it must be in [0, 1)`);
  return {
    state: momentum === 0 ? [] : ['velocity'],
    scalars: (_, learningRate) => ({ learningRate }),
    emit(emit, { parameters, grad, decay, state, scalars }) {
      const slope = decay === undefined ? grad : emit.add(grad, emit.mul(decay, parameters));
      const [old] = state;
      const velocity = old === undefined ? undefined : emit.add(emit.scale(old, momentum), slope);
      const ahead =
        velocity !== undefined && nesterov ? emit.add(slope, emit.scale(velocity, momentum)) : velocity;
      const change = emit.mul(ahead ?? slope, scalars['learningRate'] ?? '');
      return { parameters: emit.sub(parameters, change), state: velocity === undefined ? [] : [velocity] };
    },
  };
}
