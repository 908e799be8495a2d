import { expect, it } from 'vitest';
import { damageLayer } from '../../../../examples/demo/ab/damageLayer.ts';
import { matrix } from '../../../../gpu-runner/linalg/matrix.ts';
import type { Network } from '../../../../gpu-runner/mtz/network.ts';
import { allOf } from '../../../../gpu-runner/mtz/taskSet.ts';

/** Two layers of one shared block, 200 channels that read 50. */
function network(): Network {
  const layer = (name: string): Network['layers'][number] => ({
    shape: { name, convolution: null, area: 1, outputSize: [], after: [] },
    blocks: [
      {
        tasks: allOf(2),
        sources: Array.from({ length: 200 }, (_, channel) => ({ digit: channel, fashion: channel })),
        bias: new Float64Array(200),
        edges: new Map([[allOf(2), matrix(200, 50, new Float64Array(10_000).fill(0.5))]]),
      },
    ],
  });
  return {
    tasks: ['digit', 'fashion'],
    wiring: 'one-way',
    input: { name: 'image', dims: [50] },
    before: [],
    layers: [layer('first'), layer('second')],
  };
}

const weights = ({ layers }: Network, index: number): number[] =>
  Array.from(layers[index]?.blocks[0]?.edges.get(allOf(2))?.data ?? []);

it('damageLayer() adds noise of the stated size to one layer and leaves everything else', () => {
  const before = network();
  const after = damageLayer(before, 1, 0.2, 3);
  const noise = weights(after, 1).map((weight) => weight - 0.5);
  const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
  const deviation = Math.sqrt(noise.reduce((sum, value) => sum + (value - mean) ** 2, 0) / noise.length);
  // Five standard errors of 10,000 numbers of standard deviation 0.2 * 0.5.
  expect(Math.abs(mean)).toBeLessThan(0.005);
  expect(Math.abs(deviation - 0.1)).toBeLessThan(0.0036);
  expect(after.layers[0]).toBe(before.layers[0]);
  expect(before).toEqual(network());
});

it('damageLayer() does the same damage for the same seed, and none with no noise', () => {
  expect(damageLayer(network(), 0, 0.2, 3)).toEqual(damageLayer(network(), 0, 0.2, 3));
  expect(weights(damageLayer(network(), 0, 0.2, 4), 0)).not.toEqual(
    weights(damageLayer(network(), 0, 0.2, 3), 0),
  );
  expect(damageLayer(network(), 0, 0, 3)).toEqual(network());
});

it('damageLayer() refuses a layer that is not there', () => {
  expect(() => damageLayer(network(), 2, 0.2, 3)).toThrow('Cannot find layer 2 of 2');
});
