import { join } from 'node:path';
import type { Bundle } from '../../gpu-runner/bundle/bundle.ts';
import { exportBundle, packModel } from '../../gpu-runner/bundle/export.ts';
import { writeBundle } from '../../gpu-runner/bundle/writeBundle.ts';
import { jointGraph, servingGraphs } from '../../gpu-runner/mtz/wiring.ts';
import type { Manifest } from '../../shared/manifest.ts';
import type { Tensor } from '../../shared/tensor.ts';
import { preprocessing, type ExampleTask } from '../tasks.ts';
import type { DemoNet } from './zipNets.ts';
import { zippedReport, type MeasuredZip } from './zippedReport.ts';

export interface StoredBundle {
  readonly bundle: Bundle;
  readonly manifest: Manifest;
  readonly folder: string;
}

/** Images that parity is checked on, of each task. */
const parityImages = 64;

/** Each net as a bundle of its own: no trunk, one head. @param createdAt what the bundles say; now when left out */
export async function packSeparate(
  nets: readonly DemoNet[],
  folder: string,
  createdAt?: Date,
): Promise<StoredBundle[]> {
  const stored: StoredBundle[] = [];
  for (const { graph, info, images } of nets) {
    const bundle = await packModel(
      {
        name: info.task,
        task: info.task,
        preprocessing,
        graph,
        labels: info.labels,
        accuracy: info.test,
        sha256: info.sha256,
        createdAt,
      },
      { samples: firstImages([images]) },
    );
    stored.push(await store(bundle, join(folder, info.task)));
  }
  return stored;
}

/**
 * Makes trunk and heads of a zipped network, checks the files against it and stores the bundle with its report.
 *
 * @param notes for the report, in sentences
 */
export async function packZipped(
  name: string,
  zipped: MeasuredZip,
  nets: readonly DemoNet[],
  folder: string,
  notes: readonly string[] = [],
): Promise<StoredBundle> {
  const { trunk, heads } = servingGraphs(zipped.network);
  const createdAt = new Date();
  const report = await zippedReport({ name, createdAt, notes }, zipped, { trunk, heads }, nets);
  const bundle = await exportBundle(
    {
      ...{ name, createdAt, preprocessing, trunk, report },
      heads: heads.map(({ task, graph }) => {
        const told = report.tasks.find((one) => one.task === task);
        return { task, graph, labels: told?.labels ?? [], accuracy: told?.accuracy ?? null };
      }),
      recipe: zipped.recipe,
      lineage: {
        models: nets.map(({ info }) => ({ task: info.task, name: info.task, sha256: info.sha256 })),
        retrainingSteps: zipped.retrainingSteps,
      },
      sharing: [...zipped.sharing],
    },
    { graph: jointGraph(zipped.network), outputs: Object.fromEntries(heads.map(({ task }) => [task, task])) },
    { samples: firstImages(nets.map(({ images }) => images)) },
  );
  return store(bundle, join(folder, name));
}

async function store(bundle: Bundle, folder: string): Promise<StoredBundle> {
  await writeBundle(folder, bundle);
  return { bundle, manifest: bundle.manifest, folder };
}

/** The first held-out images of each task, for parity: [n, 1, 28, 28]. */
function firstImages(tasks: readonly ExampleTask[]): Tensor<'float32'> {
  const parts = tasks.map(({ test }) =>
    test.inputs(Array.from({ length: parityImages }, (_, index) => index)),
  );
  const data = Float32Array.from(parts.flatMap((part) => Array.from(part)));
  return {
    dtype: 'float32',
    dims: [tasks.length * parityImages, ...(tasks[0]?.test.sampleDims ?? [])],
    data,
  };
}
