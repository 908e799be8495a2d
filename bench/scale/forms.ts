import { Random } from '../../gpu-runner/engine/random.ts';
import { dot, matrix, type Matrix } from '../../gpu-runner/linalg/matrix.ts';
import { multiply } from '../../gpu-runner/linalg/multiply.ts';
import { sharingCost } from '../../gpu-runner/mtz/cost.ts';
import type { FactoredGram } from '../../gpu-runner/mtz/factoredGram.ts';
import { sharedWeights } from '../../gpu-runner/mtz/update.ts';

/** Inputs and samples of a side, channels that are compared, relative damping. */
export interface FormSize {
  readonly inputs: number;
  readonly samples: number;
  readonly channels: number;
  readonly damping: number;
}

/**
 * How far results from samples are from those of the whole Gram matrices of the same samples: the largest difference,
 * relative to the largest value.
 */
export async function formsDiffer(size: FormSize): Promise<{ cost: number; weights: number }> {
  const random = new Random(1);
  const numbers = (rows: number, cols: number): Matrix =>
    matrix(
      rows,
      cols,
      Float64Array.from({ length: rows * cols }, () => random.normal()),
    );
  const sides = [
    factored(numbers(size.samples, size.inputs), size),
    factored(numbers(size.samples, size.inputs), size),
  ] as const;
  const [a, b] = [numbers(size.channels, size.inputs), numbers(size.channels, size.inputs)];
  const whole = [await everyEntry(sides[0]), await everyEntry(sides[1])] as const;
  const cost = await sharingCost(a, b, ...sides);
  const weights = await sharedWeights(a, b, ...sides);
  return {
    cost: relativeDifference(cost, await sharingCost(a, b, ...whole)),
    weights: relativeDifference(weights, await sharedWeights(a, b, ...whole)),
  };
}

/** Samples as after a ReLU, a constant input last. */
function factored(x: Matrix, { damping }: FormSize): FactoredGram {
  const scale = 1 / Math.sqrt(2 * x.rows);
  for (let k = 0; k < x.data.length; k += 1)
    x.data[k] = scale * (k % x.cols === x.cols - 1 ? 1 : Math.max(0, x.data[k] ?? 0));
  return { rows: x.cols, factors: [x], damping: (damping * dot(x.data, x.data)) / x.cols };
}

async function everyEntry({ rows, factors, damping }: FactoredGram): Promise<Matrix> {
  const [x] = factors;
  if (!x) throw new Error('There are no samples');
  const gram = await multiply(x, x, { transposeA: true });
  for (let i = 0; i < rows; i += 1) gram.data[i * (rows + 1)] = (gram.data[i * (rows + 1)] ?? 0) + damping;
  return gram;
}

function relativeDifference(a: Matrix, b: Matrix): number {
  const largest = (of: (k: number) => number): number =>
    b.data.reduce((most, _, k) => Math.max(most, Math.abs(of(k))), 0);
  return largest((k) => (a.data[k] ?? NaN) - (b.data[k] ?? NaN)) / largest((k) => b.data[k] ?? NaN);
}
