import { describe, expect, it } from 'vitest';
import { exportBundle, packModel } from '../../../gpu-runner/bundle/export.ts';
import { checkParity } from '../../../gpu-runner/bundle/parity.ts';
import type { Bundle } from '../../../gpu-runner/bundle/bundle.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { bundleSource, trainedGraph, wholeGraph } from './twoTasks.ts';

const bundle = await exportBundle(bundleSource(), trainedGraph());

/** The bundle's files with one float of one file changed. */
function tampered({ files }: Bundle, path: string, index: number, value: number): Map<string, Uint8Array> {
  const bytes = files.get(path)?.slice() ?? new Uint8Array(8);
  new DataView(bytes.buffer).setFloat32(4 * index, value, true);
  return new Map<string, Uint8Array>(files).set(path, bytes);
}
const samples = (...dims: number[]): Tensor<'float32'> => ({
  dtype: 'float32',
  dims,
  data: new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(0.5),
});

it('checkParity() counts the seeded samples and the given ones', async () => {
  const parity = await checkParity(bundle.manifest, bundle.files, trainedGraph(), {
    samples: samples(70, 1, 6, 6),
  });
  expect(parity).toMatchObject({ samples: 86, tolerance: 1e-4 });
  expect(parity.maxAbsDifference).toBeLessThan(1e-5);
});

it('checkParity() measures the difference that a changed weight makes, the same every time', async () => {
  const files = tampered(bundle, 'head-digit.weights', 0, 0.75);
  const wide = await checkParity(bundle.manifest, files, trainedGraph(), { tolerance: 1e6 });
  expect(wide.maxAbsDifference).toBeGreaterThan(1e-3);
  const again = await checkParity(bundle.manifest, files, trainedGraph(), { tolerance: 1e6 });
  expect(again).toEqual(wide);
});

it('checkParity() sees the given samples too', async () => {
  const strange = samples(1, 1, 6, 6);
  strange.data.fill(1e6);
  const files = tampered(bundle, 'trunk.weights', 0, 0.5001);
  const random = await checkParity(bundle.manifest, files, trainedGraph(), { tolerance: Infinity });
  const given = await checkParity(bundle.manifest, files, trainedGraph(), {
    tolerance: Infinity,
    samples: strange,
  });
  expect(given.maxAbsDifference).toBeGreaterThan(100 * random.maxAbsDifference);
});

it('checkParity() feeds networks of a fixed batch whole batches', async () => {
  const graph = wholeGraph('digit');
  graph.inputs = [{ name: 'image', dtype: 'float32', dims: [3, 1, 6, 6] }];
  const model = {
    task: 'digit',
    graph,
    labels: [],
    accuracy: null,
    preprocessing: '',
    sha256: '0'.repeat(64),
  };
  const { manifest } = await packModel({ ...model, name: 'fixed' }, { samples: samples(7, 1, 6, 6) });
  // 16 random samples rounded up to 18, and 6 of the 7 given ones.
  expect(manifest.parity).toMatchObject({ samples: 24, maxAbsDifference: 0 });
});

describe('checkParity() refuses', () => {
  it.each([
    ['trunk.weights', 'digit'],
    ['shared-1.weights', 'digit'],
    ['head-digit.weights', 'digit'],
    ['head-fashion.weights', 'fashion'],
  ])('a tampered weight in %s', async (path, task) => {
    await expect(checkParity(bundle.manifest, tampered(bundle, path, 3, 2), trainedGraph())).rejects.toThrow(
      new RegExp(
        `^Cannot export bundle: head "${task}" differs by \\d(\\.\\d)?e[+-]\\d from the trained graph, tolerance 1e-4$`,
      ),
    );
  });

  it('outputs that are not numbers', async () => {
    const files = tampered(bundle, 'head-fashion.weights', 0, NaN);
    await expect(checkParity(bundle.manifest, files, trainedGraph())).rejects.toThrow(
      'head "fashion" differs by Infinity',
    );
  });

  it('a task that the trained graph does not answer', async () => {
    const { graph } = trainedGraph();
    await expect(
      checkParity(bundle.manifest, bundle.files, { graph, outputs: { digit: 'digit.logits' } }),
    ).rejects.toThrow('no output of the trained graph answers "fashion"');
  });

  it('answers of another shape', async () => {
    const { graph } = trainedGraph();
    const outputs = { digit: 'digit.logits', fashion: 'digit.logits' };
    await expect(checkParity(bundle.manifest, bundle.files, { graph, outputs })).rejects.toThrow(
      'head "fashion" answers [16,5], the trained graph [16,3]',
    );
  });

  it('samples that do not fit the input', async () => {
    await expect(
      checkParity(bundle.manifest, bundle.files, trainedGraph(), { samples: samples(2, 1, 7, 7) }),
    ).rejects.toThrow('samples of [2,1,7,7] do not fit input "image" [-1,1,6,6]');
  });

  it('inputs whose sample shape is not fixed', async () => {
    const inputs = [{ name: 'image', dtype: 'float32', dims: [-1, 1, -1, 6] }] as const;
    const manifest = {
      ...bundle.manifest,
      inputs: inputs.map((input) => ({ ...input, dims: [...input.dims] })),
    };
    await expect(checkParity(manifest, bundle.files, trainedGraph())).rejects.toThrow(
      'input "image" is float32 [-1,1,-1,6], not float32 with a fixed sample shape',
    );
  });
});
