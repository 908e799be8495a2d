import { expect, test } from 'vitest';
import { explainIssues } from '../../shared/explain-issues.ts';
import {
  manifest,
  name,
  type BundleFile,
  type Head,
  type Manifest,
  type TensorSpec,
} from '../../shared/manifest.ts';
import { pixelsTo1 } from '../../shared/preprocessing.ts';

const image: TensorSpec = { name: 'image', dtype: 'float32', dims: [-1, 1, 28, 28] };
const tap: TensorSpec = { name: 'features', dtype: 'float32', dims: [-1, 84] };

const headOf = (task: string, reads: TensorSpec): Head => ({
  task,
  graph: `head-${task}.onnx`,
  weights: [`head-${task}.weights`],
  inputs: [reads],
  output: { name: `${task}-logits`, dtype: 'float32', dims: [-1, 10] },
  macs: 840,
  parameters: 850,
  labels: ['zero', 'one'],
  accuracy: { before: 0.99, after: 0.988, samples: 10_000 },
});

/** A trunk and two heads, correct in every detail. */
function good(): Manifest {
  const files = ['trunk.onnx', 'trunk.weights'].concat(
    ...['digit', 'fashion'].map((task) => [`head-${task}.onnx`, `head-${task}.weights`]),
  );
  return {
    format: 'trunkline.bundle/1',
    name: 'lenet-pair',
    createdAt: '2026-01-02T03:04:05.000Z',
    inputs: [image],
    trunk: {
      graph: 'trunk.onnx',
      weights: ['trunk.weights'],
      inputs: [image],
      taps: [tap],
      macs: 1,
      parameters: 1,
    },
    heads: [headOf('digit', tap), headOf('fashion', tap)],
    files: files.map((path, i) => ({ path, sha256: String(i).repeat(64), sizeBytes: 10 })),
    preprocessing: 'pixels / 255',
    recipe: null,
    lineage: { models: [{ task: 'digit', name: 'a', sha256: 'a'.repeat(64) }], retrainingSteps: 0 },
    sharing: [],
    parity: { maxAbsDifference: 1e-6, tolerance: 1e-4, samples: 16 },
  };
}

/** What is said of a manifest after `spoil` has changed it. */
function complaint(spoil: (bundle: Manifest) => void): string {
  const bundle = good();
  spoil(bundle);
  const { error } = manifest.safeParse(bundle);
  return error ? explainIssues(error) : 'nothing';
}

const respell = (bundle: Manifest, change: Partial<BundleFile>): void => {
  bundle.files = bundle.files.map((file, i) => (i === 0 ? { ...file, ...change } : file));
};

test('a correct manifest is accepted, with and without a trunk', () => {
  expect(complaint(() => undefined)).toBe('nothing');
  expect(
    complaint((bundle) => {
      bundle.trunk = null;
      bundle.heads = [headOf('digit', image)];
    }),
  ).toBe('nothing');
});

test('two files, heads or tensors of one name are refused', () => {
  expect(complaint((bundle) => bundle.files.push(...bundle.files.slice(0, 1)))).toBe(
    'two files have the same path',
  );
  expect(complaint((bundle) => bundle.heads.push(headOf('digit', tap)))).toBe(
    'two heads answer the same task',
  );
  expect(complaint((bundle) => bundle.trunk?.taps.push({ ...image }))).toBe(
    'two inputs or taps have the same name',
  );
});

test('a file that a part names must be listed', () => {
  expect(complaint((bundle) => bundle.files.pop())).toBe('"head-fashion.weights" is not among the files');
  expect(complaint((bundle) => bundle.files.shift())).toBe('"trunk.onnx" is not among the files');
});

test('a report must be listed, and the storage be one that is known', () => {
  const listed = (bundle: Manifest): void => {
    for (const path of ['report.json', 'report.html'])
      bundle.files.push({ path, sha256: 'a'.repeat(64), sizeBytes: 10 });
  };
  const report = { json: 'report.json', html: 'report.html' };
  expect(complaint((bundle) => void Object.assign(bundle, { report, storage: 'int8' }))).toBe(
    'report "report.json" is not among the files; report "report.html" is not among the files',
  );
  expect(complaint((bundle) => (listed(bundle), Object.assign(bundle, { report, storage: 'int8' })))).toBe(
    'nothing',
  );
  expect(complaint((bundle) => void Object.assign(bundle, { storage: 'int4' }))).toContain('storage');
});

test('a part may read only what is there', () => {
  expect(complaint((bundle) => (bundle.heads[1] = headOf('fashion', { ...tap, name: 'other' })))).toBe(
    'head "fashion" reads "other", which is neither an input nor a tap',
  );
  // The trunk runs before there are taps.
  expect(complaint((bundle) => bundle.trunk?.inputs.push(tap))).toBe(
    'the trunk reads "features", which is neither an input nor a tap',
  );
});

test('a part must read a tensor as what it is', () => {
  expect(complaint((bundle) => (bundle.heads[0] = headOf('digit', { ...tap, dims: [-1, 83] })))).toBe(
    'head "digit" reads "features" as float32 [-1, 83], but it is float32 [-1, 84]',
  );
  expect(complaint((bundle) => (bundle.heads[0] = headOf('digit', { ...tap, dtype: 'float16' })))).toBe(
    'head "digit" reads "features" as float16 [-1, 84], but it is float32 [-1, 84]',
  );
});

test('files have plain names: no folder can be left through them', () => {
  for (const path of ['../x', 'a/b', '/etc/passwd', 'a\\b', '.hidden', '', 'a\n']) {
    expect(complaint((bundle) => respell(bundle, { path }))).toContain(
      'files[0].path: must be a plain file name',
    );
  }
});

test('digests are lower-case hex of 64 digits', () => {
  for (const sha256 of ['A'.repeat(64), 'a'.repeat(63), 'g'.repeat(64)]) {
    expect(complaint((bundle) => respell(bundle, { sha256 }))).toBe(
      'files[0].sha256: must be a SHA-256 digest in lower-case hex',
    );
  }
});

test('names fit into an address', () => {
  for (const right of ['a', 'lenet-pair', '0.1_b', 'x'.repeat(63)])
    expect(name.safeParse(right).success).toBe(true);
  for (const wrong of ['', '-a', 'A', 'a b', 'a/b', 'x'.repeat(64), '__proto__', 'a\n']) {
    expect(name.safeParse(wrong).success).toBe(false);
  }
});

test('preprocessing is data, or a sentence as in the bundles of before', () => {
  expect(complaint((bundle) => (bundle.preprocessing = pixelsTo1([1, 28, 28])))).toBe('nothing');
  const wrong = { ...pixelsTo1([1, 28, 28]), mean: [] };
  expect(complaint((bundle) => (bundle.preprocessing = wrong))).toContain('preprocessing');
});

test('unknown fields are refused: a misspelt one would be lost in silence', () => {
  expect(complaint((bundle) => Object.assign(bundle, { licence: 'MIT' }))).toContain('licence');
});
