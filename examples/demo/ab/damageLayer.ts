import { Random } from '../../../gpu-runner/engine/random.ts';
import { matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { layerAt, type Network } from '../../../gpu-runner/mtz/network.ts';

/**
 * The network with normal noise added to the weights of one layer, as a bad quantisation or a half-written file might
 * do. Same input: same damage.
 *
 * @param noise standard deviation of the noise, as a multiple of the weights' root mean square
 */
export function damageLayer(network: Network, index: number, noise: number, seed: number): Network {
  const random = new Random(seed);
  const layer = layerAt(network, index);
  const blocks = layer.blocks.map((block) => ({
    ...block,
    edges: new Map(
      [...block.edges].map(([from, { rows, cols, data }]) => {
        const scale = noise * Math.hypot(...data) * Math.sqrt(1 / data.length);
        return [
          from,
          matrix(
            rows,
            cols,
            Float64Array.from(data, (weight) => weight + scale * random.normal()),
          ),
        ];
      }),
    ),
  }));
  return { ...network, layers: network.layers.with(index, { ...layer, blocks }) };
}
