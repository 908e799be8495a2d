import { readdir } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { inspectJob } from '../../../../gpu-runner/runner/work/inspectJob.ts';
import { writeModel } from '../../../../gpu-runner/onnx/write.ts';
import { inspection, type Inspection } from '../../../../shared/inspection.ts';
import type { ResolvedVersion } from '../../../../shared/jobs.ts';
import { claimOf } from '../jobs.ts';
import { memoryStore, type MemoryStore } from '../storage/memoryStore.ts';
import { testContext, type TestContext } from './context.ts';
import { dataVersion, modelVersion, tinyLabels, tinyNet } from './tinyTask.ts';

let context: TestContext;
afterEach(() => context.remove());

async function inspect(
  of: 'models' | 'datasets',
  make: (store: MemoryStore) => ResolvedVersion,
  store = memoryStore(),
): Promise<Inspection> {
  context = await testContext(() => claimOf({ kind: 'inspect', of, version: make(store) }), {}, store);
  const result = await inspectJob(context);
  if (!('inspection' in result)) throw new Error('There is no inspection');
  return inspection.parse(result.inspection);
}

describe('inspectJob()', () => {
  it('reads a model', async () => {
    const found = await inspect('models', ({ add }) => modelVersion(add, 'net', tinyNet(1)));
    expect(found).toMatchObject({ kind: 'model', problems: [], operators: { Conv: 2 } });
    expect(context.progress.map(({ stage }) => stage)).toEqual(['download', 'download', 'inspect']);
    expect(await readdir(`${context.folder}/subject`)).toEqual(['net.onnx']);
  });

  it('reads a model whose weights lie in a file beside it', async () => {
    const found = await inspect('models', ({ add }) => {
      const pieces: Uint8Array[] = [];
      let offset = 0;
      const model = writeModel(tinyNet(1), {
        externalData: {
          threshold: 64,
          place(_, bytes) {
            pieces.push(bytes);
            offset += bytes.length;
            return { location: 'net.weights', offset: offset - bytes.length, length: bytes.length };
          },
        },
      });
      const files = [
        { path: 'net.onnx', ...add(new Uint8Array(model)) },
        { path: 'net.weights', ...add(new Uint8Array(Buffer.concat(pieces))) },
      ];
      const document = { format: 'trunkline.model/1', files, labels: tinyLabels };
      return { name: 'net', version: 2, digest: '0'.repeat(64), document };
    });
    expect(found).toMatchObject({ kind: 'model', problems: [] });
  });

  it('reads a data set', async () => {
    const found = await inspect('datasets', ({ add }) => dataVersion(add, 'data', 1));
    expect(found).toMatchObject({
      ...{ kind: 'dataset', samples: 48, classes: 3, labelCounts: [16, 16, 16] },
      ...{ sampleDims: [1, 12, 12], badFiles: [], problems: [] },
    });
  });

  it('finds a file that is no model, without saying where it lay', async () => {
    const found = await inspect('models', ({ add }) => ({
      ...modelVersion(add, 'net', tinyNet(1)),
      document: {
        format: 'trunkline.model/1',
        files: [{ path: 'net.onnx', ...add(new Uint8Array([1, 2, 3])) }],
        labels: [],
      },
    }));
    expect(found).toMatchObject({ kind: 'model', parameters: 0, macs: null });
    expect(found.problems).toHaveLength(1);
    expect(found.problems[0]).not.toContain(context.folder);
  });

  it('finds data that cannot be read', async () => {
    const found = await inspect('datasets', ({ add }) => {
      const { document, ...rest } = dataVersion(add, 'data', 1);
      const [images, labels] = document.files;
      const broken = { path: images?.path ?? '', ...add(new Uint8Array([9, 9, 9, 9, 9])) };
      return { ...rest, document: { ...document, files: [broken, labels ?? broken] } };
    });
    expect(found).toMatchObject({ kind: 'dataset', samples: 0, labelCounts: [0, 0, 0] });
    expect(found.problems).toEqual([
      expect.stringMatching(/^Cannot read IDX .*images\.idx.*: it starts with 09090909/),
    ]);
    expect(found.problems[0]).not.toContain(context.folder);
  });

  it('fails, and finds nothing, where data take more memory than this runner gives them', async () => {
    const claim = ({ add }: MemoryStore) =>
      claimOf({ kind: 'inspect', of: 'datasets', version: dataVersion(add, 'data', 1) });
    context = await testContext(claim, { dataBytes: 7000 });
    const failing = inspectJob(context);
    // [48, 12, 12] bytes of images and 16 of their header.
    await expect(failing).rejects.toThrow(
      'Cannot read IDX images.idx: [48,12,12] uint8 takes 6.75 KiB of memory, but 72 bytes of 6.84 KiB are left: give the runner more by TRUNKLINE_RUNNER_DATA_MEMORY, where its machine has it, and retry the job',
    );
    await expect(failing).rejects.toHaveProperty('retryable', false);
    await context.remove();
    context = await testContext(claim, { dataBytes: 20_000 });
    expect(await inspectJob(context)).toMatchObject({ inspection: { samples: 48, problems: [] } });
  });

  it('fails for another attempt when a blob cannot be had, and for good when a file name is a path', async () => {
    const store = memoryStore();
    const version = modelVersion(store.add, 'net', tinyNet(1));
    store.blobs.clear();
    await expect(inspect('models', () => version, store)).rejects.toThrow(/^Cannot read blob/);
    await context.remove();
    const evil = {
      ...version,
      document: { ...version.document, files: [{ path: '../net.onnx', ...store.add(new Uint8Array(1)) }] },
    };
    const failing = inspect('models', () => evil, store);
    await expect(failing).rejects.toThrow('Cannot fetch net@1: its files are not named as files are');
    await expect(failing).rejects.toHaveProperty('retryable', false);
  });
});
