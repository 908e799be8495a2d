import type { Optimiser } from './optimiser.ts';

export interface AdamWOptions {
  readonly kind: 'adamw';
  /** Decay of the gradient's running mean; default 0.9. */
  readonly beta1?: number;
  /** Decay of its square's running mean; default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the square; default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019): p = p - rate (m / (sqrt(v) + epsilon) + decay p) with
 * bias-corrected means m and v.
 *
 * The state holds sums, not means: M = beta1 M + g and V = beta2 V + g^2. The factors (1 - beta) and the bias
 * corrections are moved into two scalars, which saves three passes over the parameters:
 * m / (sqrt(v) + epsilon) = mean M / (sqrt(V) + floor).
 *
 * @throws {RangeError} when a beta is not in [0, 1) or epsilon is not above 0.
 */
export function adamW({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamWOptions): Optimiser {
  for (const beta of [beta1, beta2]) {
    if (!(beta >= 0 && beta < 1)) throw new RangeError(`Cannot use beta ${beta}: it must be in [0, 1)`);
  }
  if (!(epsilon > 0)) throw new RangeError(`Cannot use epsilon ${epsilon}: it must be above 0`);
  return {
    state: ['gradientSum', 'squareSum'],
    scalars(step, learningRate) {
      const meanOf = (1 - beta1) / (1 - beta1 ** step);
      const rootOf = Math.sqrt((1 - beta2) / (1 - beta2 ** step));
      return { learningRate, mean: meanOf / rootOf, floor: epsilon / rootOf };
    },
    emit(emit, { parameters, grad, decay, state, scalars }) {
      const [oldSum = '', oldSquares = ''] = state;
      const { learningRate = '', mean = '', floor = '' } = scalars;
      const sum = emit.add(emit.scale(oldSum, beta1), grad);
      const squares = emit.add(emit.scale(oldSquares, beta2), emit.mul(grad, grad));
      const ratio = emit.div(sum, emit.add(emit.op('Sqrt', [squares]), floor));
      const direction = emit.mul(ratio, mean);
      const change = decay === undefined ? direction : emit.add(direction, emit.mul(decay, parameters));
      return { parameters: emit.sub(parameters, emit.mul(change, learningRate)), state: [sum, squares] };
    },
  };
}
