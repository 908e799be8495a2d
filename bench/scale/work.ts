import { gramForm } from '../../gpu-runner/mtz/gramForm.ts';
import { symmetricProducts } from '../../gpu-runner/mtz/symmetricProducts.ts';
import type { LayerSize } from './vgg16.ts';

/** Floating-point operations of matrix products, a multiplication and an addition counted as two. */
export interface Work {
  readonly float32: number;
  readonly float64: number;
}

const nothing: Work = { float32: 0, float64: 0 };

/**
 * What sharing all channels of one layer of two networks of one shape needs of matrix products, by its formulas.
 *
 * @param below the layers before it, which its inputs are computed through
 */
export function sharingWork(
  layer: LayerSize,
  below: readonly LayerSize[],
  samples: number,
  gramBytes: number,
): Readonly<Record<'measure' | 'refit' | 'pair' | 'merge', Work>> {
  const forward = below.reduce((sum, each) => sum + 2 * each.inputs * each.channels * each.positions, 0);
  const [n, k] = [layer.inputs + 1, layer.channels];
  // Each task through the network as it stands and through its own, the layer itself included; the first has nothing to make up for.
  const through32 = 2 * (forward + 2 * layer.inputs * layer.channels * layer.positions);
  const refit = (images: number, float64: number): Work =>
    below.length === 0 ? nothing : { float32: 2 * images * through32, float64 };
  const size = { name: layer.name, inputs: n, positions: layer.positions, tasks: 2 };
  const form = gramForm(size, samples, gramBytes);
  if (form.kind === 'factored') {
    const rows = form.samples * layer.positions;
    // Both tasks' samples: the system they make, its factor, and what they make of channels.
    const system = 2 * (2 * rows) ** 2 * n + (2 * rows) ** 3 / 3;
    const through = 2 * 2 * rows * n * k;
    const ownSystem = 2 * rows ** 2 * n + rows ** 3 / 3;
    return {
      measure: { float32: 2 * form.samples * forward, float64: 0 },
      refit: refit(form.samples, 2 * (ownSystem + 2 * rows ** 2 * k) + through),
      pair: { float32: 0, float64: system + 2 * through + 2 * k * k * n + 4 * (2 * rows) ** 2 * k },
      merge: { float32: 0, float64: system + 2 * through + through + 2 * (2 * rows) ** 2 * k },
    };
  }
  const products = symmetricProducts(layer.inputs).blocks.reduce(
    (sum, { rows, cols }) => sum + 2 * rows * cols * layer.positions,
    0,
  );
  const factor = n ** 3 / 3;
  const product = 2 * n * n * k;
  const moments = 2 * samples * layer.positions * 2 * n * k;
  return {
    measure: { float32: 2 * samples * forward, float64: 2 * samples * products },
    refit: refit(samples, moments + 2 * (factor + product)),
    // For each side: through one matrix, two triangles, through the other.
    pair: { float32: 0, float64: factor + 6 * product + 2 * k * k * n },
    merge: { float32: 0, float64: factor + 5 * product },
  };
}
