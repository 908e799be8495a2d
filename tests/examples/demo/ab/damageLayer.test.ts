import { expect, it } from 'vitest';
import { damageLayer } from '../../../../examples/demo/ab/damageLayer.ts';
import { matrix } from '../../../../gpu-runner/linalg/matrix.ts';
import type { Network, Part } from '../../../../gpu-runner/mtz/network.ts';
import { allOf } from '../../../../gpu-runner/mtz/taskSet.ts';

/** Two layers of one shared block, 200 channels that read 50. */
function network(): Network {
  const all = allOf(2);
  const layers = ['first', 'second'];
  const part = (): Part => ({
    use: all,
    inputs: [{ segment: 0, from: all, columns: 50 }],
    weight: matrix(200, 50, new Float64Array(10_000).fill(0.5)),
    bias: new Float64Array(200),
  });
  return {
    tasks: ['digit', 'fashion'],
    wiring: 'one-way',
    sparse: false,
    topology: {
      input: { name: 'image', dims: [50] },
      groups: [],
      values: [],
      steps: layers.map((name, index) => ({
        ...{ kind: 'layer', name, input: index, output: index + 1, convolution: null },
      })),
      output: 2,
    },
    groups: [],
    rows: new Map(layers.map((name) => [name, [{ segment: 0, tasks: all, parts: [part()] }]])),
    tails: [null, null],
    settled: 1,
  };
}

const weights = ({ rows }: Network, layer: string): number[] =>
  Array.from(rows.get(layer)?.[0]?.parts[0]?.weight.data ?? []);

it('damageLayer() adds noise of the stated size to one layer and leaves everything else', () => {
  const before = network();
  const after = damageLayer(before, 1, 0.2, 3);
  const noise = weights(after, 'second').map((weight) => weight - 0.5);
  const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
  const deviation = Math.sqrt(noise.reduce((sum, value) => sum + (value - mean) ** 2, 0) / noise.length);
  // Five standard errors of 10,000 numbers of standard deviation 0.2 * 0.5.
  expect(Math.abs(mean)).toBeLessThan(0.005);
  expect(Math.abs(deviation - 0.1)).toBeLessThan(0.0036);
  expect(after.rows.get('first')).toBe(before.rows.get('first'));
  expect(before).toEqual(network());
});

it('damageLayer() does the same damage for the same seed, and none with no noise', () => {
  expect(damageLayer(network(), 0, 0.2, 3)).toEqual(damageLayer(network(), 0, 0.2, 3));
  expect(weights(damageLayer(network(), 0, 0.2, 4), 'first')).not.toEqual(
    weights(damageLayer(network(), 0, 0.2, 3), 'first'),
  );
  expect(damageLayer(network(), 0, 0, 3)).toEqual(network());
});

it('damageLayer() refuses a layer that is not there', () => {
  expect(() => damageLayer(network(), 2, 0.2, 3)).toThrow('Cannot find layer 2 of 2');
});
