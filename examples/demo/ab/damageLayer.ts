import { Random } from '../../../gpu-runner/engine/random.ts';
import { matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { weightedSteps, rowsOf, type Network } from '../../../gpu-runner/mtz/network.ts';

/**
 * The network with normal noise added to the weights of one layer, as a bad quantisation or a half-written file might
 * do. Same input: same damage.
 *
 * @param index among the steps that have weights
 * @param noise standard deviation of the noise, as a multiple of the weights' root mean square
 * @throws {RangeError} when there is no such step
 */
export function damageLayer(network: Network, index: number, noise: number, seed: number): Network {
  const random = new Random(seed);
  const steps = weightedSteps(network);
  const step = steps[index];
  if (!step) throw new RangeError(`Cannot find layer ${index} of ${steps.length}`);
  const rows = rowsOf(network, step).map((each) => ({
    ...each,
    parts: each.parts.map((part) => {
      const { rows: channels, cols, data } = part.weight;
      const scale = noise * Math.hypot(...data) * Math.sqrt(1 / data.length);
      const damaged = Float64Array.from(data, (weight) => weight + scale * random.normal());
      return { ...part, weight: matrix(channels, cols, damaged) };
    }),
  }));
  return { ...network, rows: new Map(network.rows).set(step.name, rows) };
}
