import { describe, expect, it } from 'vitest';
import { exportBundle, type BundleSource } from '../../../gpu-runner/bundle/export.ts';
import { openBundle } from '../../../gpu-runner/bundle/openBundle.ts';
import { quantise } from '../../../gpu-runner/bundle/quantise/quantise.ts';
import { storeHalf } from '../../../gpu-runner/bundle/quantise/storeHalf.ts';
import type { StoredParts } from '../../../gpu-runner/bundle/storedParts.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import type { Bundle } from '../../../gpu-runner/bundle/bundle.ts';
import { servedFiles } from '../../../shared/manifest.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { full } from './report/reports.ts';
import { bundleSource, headGraph, trainedGraph } from './twoTasks.ts';

const random = new Random(6);
const samples: Tensor<'float32'> = {
  dtype: 'float32',
  dims: [40, 1, 6, 6],
  data: Float32Array.from({ length: 40 * 36 }, () => random.uniform()),
};

const source = bundleSource();
const int8: StoredParts = {
  storage: 'int8',
  ...(await quantise(source, [samples], { provider: 'cpu', maxError: 0.2 })),
};
const float16: StoredParts = { storage: 'float16', ...storeHalf(source) };
const exported = (stored?: StoredParts, more: Partial<BundleSource> = {}): Promise<Bundle> =>
  exportBundle({ ...source, stored, ...more }, trainedGraph(), { samples });

const weightBytes = ({ files }: Bundle): number =>
  [...files].reduce((sum, [path, bytes]) => sum + (path.endsWith('.weights') ? bytes.length : 0), 0);
const plain = await exported();

describe('exportBundle() of stored parts', () => {
  it('writes a half or less of the bytes, and describes the same network', async () => {
    for (const [stored, share] of [
      [float16, 0.55],
      [int8, 0.45],
    ] as const) {
      const bundle = await exported(stored);
      expect(bundle.manifest.storage).toBe(stored.storage);
      expect(weightBytes(bundle) / weightBytes(plain)).toBeLessThan(share);
      const counts = ({ trunk, heads }: Bundle['manifest']) =>
        [trunk, ...heads].map((part) => [part?.macs, part?.parameters, part?.inputs]);
      expect(counts(bundle.manifest)).toEqual(counts(plain.manifest));
      expect(bundle.manifest.trunk?.taps).toEqual(plain.manifest.trunk?.taps);
    }
  });

  it('states the tolerance, and answers within it', async () => {
    for (const [stored, share] of [
      [float16, 0.005],
      [int8, 0.1],
    ] as const) {
      const { manifest, files } = await exported(stored);
      const open = await openBundle(manifest, files, { provider: 'cpu' });
      const reference = await openBundle(plain.manifest, plain.files, { provider: 'cpu' });
      const [answers, expected] = [
        await open.run({ image: samples }),
        await reference.run({ image: samples }),
      ];
      await open.release();
      await reference.release();
      let [largest, difference] = [0, 0];
      for (const [task, { data }] of Object.entries(expected) as [string, Tensor<'float32'>][])
        for (const [index, value] of data.entries()) {
          largest = Math.max(largest, Math.abs(value));
          difference = Math.max(difference, Math.abs(value - Number(answers[task]?.data[index])));
        }
      expect(difference).toBeGreaterThan(0);
      expect(difference).toBeLessThanOrEqual(manifest.parity.maxAbsDifference + 1e-6);
      expect(manifest.parity.maxAbsDifference).toBeLessThanOrEqual(manifest.parity.tolerance);
      // float16 is compared on random samples too, int8 on real ones only.
      expect(manifest.parity.samples).toBe(stored.storage === 'int8' ? 40 : 56);
      if (stored.storage === 'int8') expect(manifest.parity.tolerance).toBeCloseTo(share * largest, 4);
    }
  });

  it('says nothing of storage when weights are float32, so that ids stay what they were', () => {
    expect(plain.manifest).not.toHaveProperty('storage');
  });

  it('refuses a difference above the tolerance asked for', async () => {
    await expect(exported({ ...int8, tolerance: 1e-5 })).rejects.toThrow(
      /^Cannot export bundle: head "digit" differs by \d\.\de-\d from the trained graph, tolerance \d\.\de-\d$/,
    );
  });

  it('refuses parts that are put together wrongly before it looks at rounding', async () => {
    const wrong = bundleSource();
    const tensor = wrong.trunk?.initializers.get('conv1') as Tensor<'float32'>;
    tensor.data[0] = (tensor.data[0] ?? 0) + 0.01;
    await expect(exportBundle({ ...wrong, stored: int8 }, trainedGraph(), { samples })).rejects.toThrow(
      'from the trained graph, tolerance 1e-4',
    );
  });

  it('refuses other parts, or parts with other edges', async () => {
    await expect(exported({ ...float16, trunk: null })).rejects.toThrow(
      "Cannot export bundle as float16: its parts are digit, fashion, the bundle's trunk, digit, fashion",
    );
    const heads = float16.heads.map((head) =>
      head.task === 'digit' ? { task: 'digit', graph: headGraph('fashion') } : head,
    );
    await expect(exported({ ...float16, heads })).rejects.toThrow(
      'head "digit" has "features" float32 [-1, 16, 4, 4], "fashion.logits" float32 [-1, 5], in float32 "features" float32 [-1, 16, 4, 4], "digit.logits" float32 [-1, 3]',
    );
  });

  it('refuses int8 without real samples', async () => {
    await expect(exportBundle({ ...source, stored: int8 }, trainedGraph())).rejects.toThrow(
      'Cannot export bundle as int8: its parity can only be checked on real samples',
    );
  });
});

it('exportBundle() stores a report beside the graphs, where nothing that serves them looks', async () => {
  const { manifest, files } = await exported(undefined, { report: full });
  expect(manifest.report).toEqual({ json: 'report.json', html: 'report.html' });
  const paths = manifest.files.map(({ path }) => path);
  expect(paths).toEqual(plain.manifest.files.map(({ path }) => path));
  expect(servedFiles(manifest)).toEqual(
    manifest.files.filter(({ path }) => path !== 'report.html' && path !== 'report.json'),
  );
  const { trunk, heads } = manifest;
  expect({ trunk, heads }).toEqual({ trunk: plain.manifest.trunk, heads: plain.manifest.heads });
  const open = await openBundle(manifest, files, { provider: 'cpu' });
  expect(Object.keys(await open.run({ image: samples }))).toEqual(['digit', 'fashion']);
  await open.release();
});
