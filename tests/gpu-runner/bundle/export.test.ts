import { describe, expect, it } from 'vitest';
import { exportBundle, packModel } from '../../../gpu-runner/bundle/export.ts';
import { openBundle } from '../../../gpu-runner/bundle/openBundle.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { bundleSource, tasks, trainedGraph, trunkGraph, wholeGraph } from './twoTasks.ts';

const images = (count: number): Tensor<'float32'> => {
  const random = new Random(3);
  return {
    dtype: 'float32',
    dims: [count, 1, 6, 6],
    data: Float32Array.from({ length: count * 36 }, () => random.uniform()),
  };
};

it('exportBundle() writes files that compute what the trained graph computes', async () => {
  const bundle = await exportBundle(bundleSource(), trainedGraph());
  const open = await openBundle(bundle.manifest, bundle.files, { provider: 'cpu' });
  const batch = images(3);
  const answers = await open.run({ image: batch });
  for (const task of tasks) {
    const session = await createSession(wholeGraph(task), { provider: 'cpu' });
    const expected = (await session.run({ image: batch }))[`${task}.logits`];
    await session.release();
    expect(answers[task]?.dims).toEqual(expected?.dims);
    for (const [i, value] of (answers[task] as Tensor<'float32'>).data.entries())
      expect(value).toBeCloseTo((expected as Tensor<'float32'>).data[i] ?? NaN, 5);
  }
  await open.release();
});

it('exportBundle() stores each weight once, in the file of those that read it', async () => {
  const { manifest, files } = await exportBundle(bundleSource(), trainedGraph());
  expect(manifest.files.map(({ path }) => path)).toEqual([
    'head-digit.onnx',
    'head-digit.weights',
    'head-fashion.onnx',
    'head-fashion.weights',
    'report.html',
    'report.json',
    'shared-1.weights',
    'trunk.onnx',
    'trunk.weights',
  ]);
  expect(manifest.trunk?.weights).toEqual(['trunk.weights']);
  expect(manifest.heads.map(({ weights }) => weights)).toEqual([
    ['head-digit.weights', 'shared-1.weights'],
    ['head-fashion.weights', 'shared-1.weights'],
  ]);
  expect(files.get('shared-1.weights')?.length).toBe(4 * 8 * 16 * 9);
  expect(files.get('head-digit.weights')?.length).toBe(4 * 3 * 32);
  // conv1, then its bias at the next multiple of 64 bytes
  expect(files.get('trunk.weights')?.length).toBe(576 + 64);
});

it('exportBundle() describes inputs, taps, outputs, work and provenance', async () => {
  const source = bundleSource();
  const { manifest } = await exportBundle(source, trainedGraph());
  const tap = { name: 'features', dtype: 'float32', dims: [-1, 16, 4, 4] };
  expect(manifest.inputs).toEqual([{ name: 'image', dtype: 'float32', dims: [-1, 1, 6, 6] }]);
  expect(manifest.trunk).toMatchObject({
    inputs: manifest.inputs,
    taps: [tap],
    macs: 16 * 16 * 9,
    parameters: 160,
  });
  expect(manifest.heads[1]).toMatchObject({
    task: 'fashion',
    inputs: [tap],
    output: { name: 'fashion.logits', dtype: 'float32', dims: [-1, 5] },
    macs: 8 * 4 * 16 * 9 + 5 * 32,
    parameters: 8 * 16 * 9 + 8 + 5 * 32,
    labels: ['fashion 0', 'fashion 1', 'fashion 2', 'fashion 3', 'fashion 4'],
    accuracy: { before: 0.9, after: 0.88, samples: 50 },
  });
  const { name, preprocessing, recipe, lineage, sharing } = source;
  expect(manifest).toMatchObject({
    name,
    preprocessing,
    recipe,
    lineage,
    sharing,
    createdAt: '2026-01-02T03:04:05.000Z',
  });
  expect(manifest.parity).toMatchObject({ tolerance: 1e-4, samples: 16 });
  expect(manifest.parity.maxAbsDifference).toBeLessThan(1e-5);
});

it('exportBundle() gives the same id for the same content and another one otherwise', async () => {
  const first = await exportBundle(bundleSource(), trainedGraph());
  expect((await exportBundle(bundleSource(), trainedGraph())).id).toBe(first.id);
  const renamed = await exportBundle({ ...bundleSource(), name: 'other' }, trainedGraph());
  expect(renamed.id).not.toBe(first.id);
});

describe('exportBundle() refuses', () => {
  it('a trunk whose weights are not the trained ones, with the numbers', async () => {
    const source = bundleSource();
    const trunk = trunkGraph();
    const weight = trunk.initializers.get('conv1') as Tensor<'float32'>;
    weight.data[0] = (weight.data[0] ?? 0) + 0.1;
    await expect(exportBundle({ ...source, trunk }, trainedGraph())).rejects.toThrow(
      /^Cannot export bundle: head "digit" differs by \d\.\de-[12] from the trained graph, tolerance 1e-4$/,
    );
  });

  it('a head with two outputs', async () => {
    const source = bundleSource();
    source.heads[0]?.graph.outputs.push({ name: 'digit.flat', dtype: 'float32', dims: ['N', 32] });
    await expect(exportBundle(source, trainedGraph())).rejects.toThrow('head "digit" has 2 outputs, not one');
  });

  it('labels that are not as many as the answer has numbers', async () => {
    const [digit, ...others] = bundleSource().heads;
    if (!digit) throw new Error('no heads');
    const heads = [{ ...digit, labels: ['yes', 'no'] }, ...others];
    await expect(exportBundle({ ...bundleSource(), heads }, trainedGraph())).rejects.toThrow(
      'Cannot export bundle: head "digit" answers 3 numbers, but has 2 labels',
    );
  });

  it('heads that want different inputs under one name', async () => {
    const graph = wholeGraph('digit');
    graph.inputs = [{ name: 'image', dtype: 'float32', dims: ['N', 1, 7, 7] }];
    const [digit, fashion] = bundleSource().heads;
    if (!digit || !fashion) throw new Error('no heads');
    const heads = [
      { ...digit, graph },
      { ...fashion, graph: wholeGraph('fashion') },
    ];
    await expect(exportBundle({ ...bundleSource(), trunk: null, heads }, trainedGraph())).rejects.toThrow(
      'input "image" is float32 [-1,1,7,7] in one graph and float32 [-1,1,6,6] in another',
    );
  });

  it('names that the manifest does not allow', async () => {
    await expect(exportBundle({ ...bundleSource(), name: 'Two Tasks' }, trainedGraph())).rejects.toThrow(
      /^Cannot make bundle: its manifest is not valid: name: must be 1 to 63 of/,
    );
  });
});

describe('packModel()', () => {
  const model = {
    name: 'digit-net',
    task: 'digit',
    graph: wholeGraph('digit'),
    labels: ['a', 'b', 'c'],
    accuracy: { fraction: 0.75, samples: 40 },
    preprocessing: 'none',
    sha256: 'a'.repeat(64),
  };

  it('makes a bundle without a trunk whose head is the whole network', async () => {
    const { manifest, files } = await packModel(model);
    expect(manifest.trunk).toBeNull();
    expect(manifest.heads).toHaveLength(1);
    expect(manifest.heads[0]).toMatchObject({
      task: 'digit',
      inputs: manifest.inputs,
      accuracy: { before: 0.75, after: 0.75, samples: 40 },
    });
    expect(manifest.lineage).toEqual({
      models: [{ task: 'digit', name: 'digit-net', sha256: 'a'.repeat(64) }],
      retrainingSteps: 0,
    });
    expect([...files.keys()].sort()).toEqual([
      ...['head-digit.onnx', 'head-digit.weights', 'report.html', 'report.json'],
    ]);
    expect(manifest.parity.maxAbsDifference).toBe(0);
  });

  it('leaves out an accuracy that nobody measured', async () => {
    const { manifest } = await packModel({ ...model, accuracy: null });
    expect(manifest.heads[0]?.accuracy).toBeNull();
  });
});

it('openBundle() runs only the tasks asked for, and refuses others', async () => {
  const bundle = await exportBundle(bundleSource(), trainedGraph());
  const open = await openBundle(bundle.manifest, bundle.files, { provider: 'cpu' });
  expect(Object.keys(await open.run({ image: images(1) }, ['fashion']))).toEqual(['fashion']);
  await expect(open.run({ image: images(1) }, ['speech'])).rejects.toThrow(
    'Cannot run task "speech": the bundle has digit, fashion',
  );
  await expect(open.run({})).rejects.toThrow('Cannot run bundle: input "image" is missing');
  await open.release();
});

it('openBundle() names the file that is missing or damaged', async () => {
  const { manifest, files } = await exportBundle(bundleSource(), trainedGraph());
  const without = new Map(files);
  without.delete('shared-1.weights');
  await expect(openBundle(manifest, without, { provider: 'cpu' })).rejects.toThrow(
    'file shared-1.weights is missing',
  );
  const damaged = new Map(files).set('head-fashion.onnx', new TextEncoder().encode('not a graph'));
  await expect(openBundle(manifest, damaged, { provider: 'cpu' })).rejects.toThrow(
    /^Cannot open head-fashion.onnx: /,
  );
});
