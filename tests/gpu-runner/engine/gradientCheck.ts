/**
 * Compares the gradients that `differentiate` emits with central differences of the same graph, or of a reference
 * written by hand where ONNX Runtime has no float64 kernel for the operator.
 */
import { differentiate } from '../../../gpu-runner/engine/autodiff/differentiate.ts';
import { Emitter } from '../../../gpu-runner/engine/emitter.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import type { Provider } from '../../../gpu-runner/engine/providers.ts';
import { elementCount, type Tensor } from '../../../shared/tensor.ts';

export interface Array64 {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

export interface GradientCheck {
  /** Inputs by name: dims alone are filled with seeded normal numbers. */
  readonly inputs: Readonly<Record<string, readonly number[] | Array64>>;
  /** Emits the graph under test from its inputs (by name) and returns the output to differentiate. */
  readonly build: (emit: Emitter, inputs: Readonly<Record<string, string>>) => string;
  /** Inputs to differentiate by; all when left out. */
  readonly wrt?: readonly string[];
  /** What the gradients are computed in: float32 where a gradient's operators have no float64 kernel. */
  readonly dtype?: 'float64' | 'float32';
  /** The same function in float64, for operators without a float64 kernel. Default: the graph itself in float64. */
  readonly reference?: (inputs: Readonly<Record<string, Array64>>) => Array64 | Float64Array;
  /** Half the distance of the central differences. */
  readonly step?: number;
  readonly seed?: number;
  /** What the gradients run on; default 'cpu'. */
  readonly provider?: Provider;
  /** Whose gradient forms are emitted; default those of `provider`. */
  readonly forms?: Provider;
}

/**
 * The largest difference between emitted and numeric derivatives, relative to the largest derivative by that input
 * (or to 1e-3 where all are smaller). The scalar that is differentiated is a random weighting of the output.
 */
export async function gradientError(check: GradientCheck): Promise<number> {
  const { dtype = 'float64', step = 1e-5, seed = 1 } = check;
  const inputs = arraysOf(check);
  const wrt = check.wrt ?? Object.keys(inputs);
  const forward = check.reference ? referenceForward(check.reference) : await graphForward(check, inputs);
  const output = await forward.run(inputs);
  const weights = randomArray([output.length], new Random(seed, 1)).data;
  const emitted = await emittedGradients(check, inputs, wrt, weights, dtype);

  let worst = 0;
  for (const name of wrt) {
    const numeric = await centralDifferences(forward.run, inputs, name, weights, step);
    const analytic = emitted[name] ?? new Float64Array(numeric.length);
    if (analytic.length !== numeric.length)
      throw new Error(`The gradient of ${name} has ${analytic.length} elements`);
    const scale = numeric.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    numeric.forEach((value, index) => {
      worst = Math.max(worst, Math.abs(value - (analytic[index] ?? NaN)) / scale);
    });
  }
  await forward.release();
  return worst;
}

/** The emitted derivatives of the sum of the output, for values that differences cannot tell: kinks, ties. */
export async function gradientsOf(check: GradientCheck): Promise<Record<string, number[]>> {
  const inputs = arraysOf(check);
  const { output, emit } = built(check, inputs, 'float64');
  const ones = new Float64Array(elementCount(emit.dims(output))).fill(1);
  const wrt = check.wrt ?? Object.keys(inputs);
  const emitted = await emittedGradients(check, inputs, wrt, ones, check.dtype ?? 'float64');
  return Object.fromEntries(Object.entries(emitted).map(([name, grad]) => [name, Array.from(grad)]));
}

export function randomArray(dims: readonly number[], random: Random): Array64 {
  return { dims, data: Float64Array.from({ length: elementCount(dims) }, () => random.normal()) };
}

function arraysOf(check: GradientCheck): Record<string, Array64> {
  const random = new Random(check.seed ?? 1);
  const arrays = Object.entries(check.inputs).map(([name, given]): [string, Array64] => [
    name,
    'data' in given ? given : randomArray(given, random),
  ]);
  return Object.fromEntries(arrays);
}

interface Forward {
  readonly run: (inputs: Readonly<Record<string, Array64>>) => Promise<Float64Array>;
  readonly release: () => Promise<void>;
}

function referenceForward(reference: NonNullable<GradientCheck['reference']>): Forward {
  return {
    run: (inputs) => {
      const output = reference(inputs);
      return Promise.resolve(output instanceof Float64Array ? output : output.data);
    },
    release: () => Promise.resolve(),
  };
}

async function graphForward(
  check: GradientCheck,
  inputs: Readonly<Record<string, Array64>>,
): Promise<Forward> {
  const { emit, output } = built(check, inputs, 'float64');
  emit.output(output);
  const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
  return {
    run: async (values) => toFloat64((await session.run(toTensors(values, 'float64')))[output]),
    release: () => session.release(),
  };
}

/** d(sum of weights * output)/d(input) for each of `wrt` that the output depends on. */
async function emittedGradients(
  check: GradientCheck,
  inputs: Readonly<Record<string, Array64>>,
  wrt: readonly string[],
  weights: Float64Array,
  dtype: 'float64' | 'float32',
): Promise<Record<string, Float64Array>> {
  const { emit, output } = built(check, inputs, dtype);
  const weight = emit.input('__weight', dtype, emit.dims(output));
  const loss = emit.sum(emit.mul(output, weight), [...emit.dims(output).keys()], false);
  const { provider = 'cpu', forms = provider } = check;
  const grads = differentiate(emit, loss, wrt, { provider: forms });
  for (const grad of new Set(grads.values())) emit.output(grad);
  const session = await createSession(emit.graph, { provider, threads: 1 });
  const feeds = toTensors({ ...inputs, __weight: { dims: emit.dims(weight), data: weights } }, dtype);
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries([...grads].map(([value, grad]) => [value, toFloat64(results[grad])]));
}

function built(
  check: GradientCheck,
  inputs: Readonly<Record<string, Array64>>,
  dtype: 'float64' | 'float32',
): { emit: Emitter; output: string } {
  const emit = new Emitter('gradient_check');
  const names = Object.entries(inputs).map(([name, { dims }]) => [name, emit.input(name, dtype, dims)]);
  return { emit, output: check.build(emit, Object.fromEntries(names) as Record<string, string>) };
}

async function centralDifferences(
  run: Forward['run'],
  inputs: Readonly<Record<string, Array64>>,
  name: string,
  weights: Float64Array,
  step: number,
): Promise<Float64Array> {
  const input = inputs[name];
  if (!input) throw new Error(`There is no input ${name}`);
  const moved = async (index: number, by: number): Promise<number> => {
    const data = Float64Array.from(input.data);
    data[index] = (data[index] ?? NaN) + by;
    const output = await run({ ...inputs, [name]: { dims: input.dims, data } });
    return output.reduce((sum, value, at) => sum + value * (weights[at] ?? NaN), 0);
  };
  const derivative = new Float64Array(input.data.length);
  for (const index of derivative.keys()) {
    derivative[index] = ((await moved(index, step)) - (await moved(index, -step))) / (2 * step);
  }
  return derivative;
}

function toTensors(
  arrays: Readonly<Record<string, Array64>>,
  dtype: 'float64' | 'float32',
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { dims, data }]): [string, Tensor] => [
      name,
      dtype === 'float64' ? { dtype, dims, data } : { dtype, dims, data: Float32Array.from(data) },
    ]),
  );
}

function toFloat64(tensor: Tensor | undefined): Float64Array {
  if (tensor?.dtype === 'float64') return tensor.data;
  if (tensor?.dtype === 'float32') return Float64Array.from(tensor.data);
  throw new Error(`Expected floats, got ${tensor?.dtype ?? 'nothing'}`);
}
