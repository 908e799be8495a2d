/** Runs an emitted optimiser for some steps on given gradients, its outputs fed back. */
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import {
  createOptimiser,
  type OptimiserOptions,
} from '../../../../gpu-runner/engine/optimisers/createOptimiser.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import type { Tensor } from '../../../../shared/tensor.ts';

export interface Run {
  readonly start: readonly number[];
  /** One gradient a step. */
  readonly grads: readonly (readonly number[])[];
  readonly rates: readonly number[];
  /** Decay of each parameter. */
  readonly decay?: readonly number[];
}

/** The parameters after each step. */
export async function runOptimiser(
  options: OptimiserOptions,
  { start, grads, rates, decay }: Run,
): Promise<number[][]> {
  const optimiser = createOptimiser(options);
  const emit = new Emitter('optimiser');
  const dims = [start.length];
  const vector = (values: readonly number[]): Tensor => ({
    dtype: 'float32',
    dims,
    data: Float32Array.from(values),
  });
  const parameters = emit.input('parameters', 'float32', dims);
  const grad = emit.input('grad', 'float32', dims);
  const state = optimiser.state.map((name) => emit.input(name, 'float32', dims));
  const names = Object.keys(optimiser.scalars(1, 0));
  const scalars = Object.fromEntries(names.map((name) => [name, emit.input(name, 'float32', [])]));
  const step = { parameters, grad, state, scalars, decay: decay && emit.initializer('decay', vector(decay)) };
  const next = optimiser.emit(emit, step);
  for (const value of [next.parameters, ...next.state]) emit.output(value);
  const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });

  let feeds: Record<string, Tensor> = { parameters: vector(start) };
  for (const name of optimiser.state) feeds[name] = vector(start.map(() => 0));
  const trajectory: number[][] = [];
  for (const [index, values] of grads.entries()) {
    const numbers = Object.entries(optimiser.scalars(index + 1, rates[index] ?? NaN));
    const fed = numbers.map(([name, value]): [string, Tensor] => [
      name,
      { dtype: 'float32', dims: [], data: Float32Array.of(value) },
    ]);
    const results = await session.run({ ...feeds, ...Object.fromEntries(fed), grad: vector(values) });
    const given = (value: string): Tensor => results[value] ?? vector([]);
    feeds = { parameters: given(next.parameters) };
    for (const [at, name] of optimiser.state.entries()) feeds[name] = given(next.state[at] ?? '');
    trajectory.push(Array.from(given(next.parameters).data, Number));
  }
  await session.release();
  return trajectory;
}

/** Ten steps over five parameters, gradients of very different sizes, a rate that changes. */
export function tenSteps(): Run {
  const random = new Random(11);
  const sizes = [1, 1e-4, 1e3, 1, 0];
  return {
    start: [1, -2, 3, 0.5, -0.25],
    grads: Array.from({ length: 10 }, () => sizes.map((size) => size * random.normal())),
    rates: Array.from({ length: 10 }, (_, step) => 0.1 / (step + 1)),
    decay: [0.1, 0.1, 0, 0.5, 0.2],
  };
}

export function largestRelative(emitted: readonly number[][], reference: readonly number[][]): number {
  const errors = reference.flatMap((row, step) =>
    row.map(
      (value, index) => Math.abs(value - (emitted[step]?.[index] ?? NaN)) / Math.max(Math.abs(value), 1),
    ),
  );
  return Math.max(...errors);
}
