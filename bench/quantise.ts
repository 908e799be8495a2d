/**
 * What storing weights as float16 or int8 changes in ONNX Runtime Web: bytes, time, memory and accuracy of the examples'
 * networks, zipped and separate, beside the same in float32.
 *
 *   node bench/quantise.ts [--rounds 300] [--images 2000] [--quick] [--json FILE]
 *
 * The networks are zipped once, as the demo zips them (--quick: a tenth of the retraining), and stored three ways. All
 * are timed in turn in one process (WebAssembly as it comes, one thread, one image, all tasks); a ratio is the median of
 * those of neighbouring passes. Memory is ONNX Runtime's WebAssembly heap, in a process for each. Accuracy is counted in
 * ONNX Runtime Web too, on held-out images.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { Progress } from '../examples/demo/progress.ts';
import { median } from '../examples/demo/quantile.ts';
import { zipNets, type DemoNet } from '../examples/demo/zipNets.ts';
import { readNet } from '../examples/nets.ts';
import { preprocessing, readTask, taskNames } from '../examples/tasks.ts';
import { exportBundle } from '../gpu-runner/bundle/export.ts';
import { writeBundle } from '../gpu-runner/bundle/writeBundle.ts';
import type { Parts } from '../gpu-runner/bundle/quantise/parts.ts';
import { jointGraph, servingGraphs } from '../gpu-runner/mtz/wiring.ts';
import { mega, percent, points } from '../gpu-runner/runner/figures.ts';
import { storeParts } from '../gpu-runner/runner/storeParts.ts';
import { textTable } from '../gpu-runner/runner/textTable.ts';
import type { TrainedGraph } from '../gpu-runner/bundle/parity.ts';
import { servedFiles } from '../shared/manifest.ts';
import { storages, type Storage } from '../shared/recipe.ts';
import { runSides, type Side } from './quantise/ortWebSides.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '300' },
    images: { type: 'string', default: '2000' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const count = z.coerce.number().int().min(1);
const settings = z.object({ rounds: count, images: count }).parse(values);

interface Stored {
  readonly kind: 'zipped' | 'separate';
  readonly storage: Storage;
  readonly folders: Side;
  /** Of trunk and heads, without the report. */
  readonly bytes: number;
}

const progress = new Progress();
const folder = await mkdtemp(join(tmpdir(), 'trunkline-bench-quantise-'));
try {
  const nets: DemoNet[] = [];
  for (const task of taskNames) nets.push({ ...(await readNet(task)), images: await readTask(task) });
  progress.step('Zipping');
  const { network } = await zipNets(nets, values.quick, progress);

  /** Stores one bundle three ways. @returns folder and bytes, by storage */
  const storeAll = async (name: string, parts: Parts, trained: TrainedGraph, own: readonly DemoNet[]) => {
    const stored = new Map<Storage, { folder: string; bytes: number }>();
    for (const storage of storages) {
      progress.step(`Storing ${name} as ${storage}`);
      const made = await storeParts(
        parts,
        own.map(({ images: { task, train, validation } }) => ({ task, train, validation })),
        { storage, maxStorageDrop: 0.005, seed: 1 },
        { provider: 'cpu' },
      );
      const [first] = own;
      if (!first) throw new Error(`Cannot store ${name}: it has no network`);
      const sample = Uint32Array.from({ length: 64 }, (_, index) => index);
      const { test } = first.images;
      const bundle = await exportBundle(
        {
          ...{ name, preprocessing, trunk: parts.trunk, stored: made?.parts, recipe: null, sharing: [] },
          heads: parts.heads.map((head) => ({ ...head, labels: [], accuracy: null })),
          lineage: {
            models: own.map(({ info: { task, sha256 } }) => ({ task, name: task, sha256 })),
            retrainingSteps: 0,
          },
        },
        trained,
        {
          samples: {
            dtype: 'float32',
            dims: [64, ...test.sampleDims],
            data: Float32Array.from(test.inputs(sample)),
          },
        },
      );
      const at = join(folder, `${name}-${storage}`);
      await writeBundle(at, bundle);
      const bytes = servedFiles(bundle.manifest).reduce((sum, file) => sum + file.sizeBytes, 0);
      stored.set(storage, { folder: at, bytes });
    }
    return stored;
  };

  const zipped = await storeAll(
    'zipped',
    servingGraphs(network),
    { graph: jointGraph(network), outputs: Object.fromEntries(taskNames.map((task) => [task, task])) },
    nets,
  );
  const alone: Awaited<ReturnType<typeof storeAll>>[] = [];
  for (const net of nets) {
    const { graph, images } = net;
    const parts = { trunk: null, heads: [{ task: images.task, graph }] };
    const outputs = { [images.task]: graph.outputs[0]?.name ?? '' };
    alone.push(await storeAll(images.task, parts, { graph, outputs }, [net]));
  }
  const sides = (['zipped', 'separate'] as const).flatMap((kind) =>
    storages.map((storage): Stored => {
      const bundles = (kind === 'zipped' ? [zipped] : alone).flatMap((each) => each.get(storage) ?? []);
      const bytes = bundles.reduce((sum, each) => sum + each.bytes, 0);
      return { kind, storage, bytes, folders: bundles.map((each) => each.folder) };
    }),
  );

  progress.step('Running all of them in ONNX Runtime Web, in turn');
  const run = await runSides({ sides: sides.map(({ folders }) => folders), ...settings });
  progress.step('Each alone, for its memory');
  const heaps: number[] = [];
  for (const { folders } of sides)
    heaps.push((await runSides({ sides: [folders], rounds: 3, images: 0 })).heapBytes);

  const lines = sides.map((side, index) => {
    const base = sides.findIndex(({ kind, storage }) => kind === side.kind && storage === 'float32');
    const [own = [], float = []] = [run.milliseconds[index], run.milliseconds[base]];
    const [heap = NaN, floatHeap = NaN] = [heaps[index], heaps[base]];
    const accuracy = taskNames.map((task) => ({
      task,
      share: run.accuracy[index]?.[task] ?? NaN,
      change: (run.accuracy[index]?.[task] ?? NaN) - (run.accuracy[base]?.[task] ?? NaN),
    }));
    return {
      ...{ kind: side.kind, storage: side.storage, accuracy },
      bytes: { value: side.bytes, ratio: side.bytes / (sides[base]?.bytes ?? NaN) },
      ms: { value: median(own), ratio: median(own.map((value, round) => value / (float[round] ?? NaN))) },
      heapBytes: { value: heap, ratio: heap / floatHeap },
    };
  });
  console.log('');
  const header = [
    '',
    'bytes',
    '',
    'one image',
    '',
    'heap',
    '',
    ...taskNames.flatMap((task) => [task, 'points']),
  ];
  const table = textTable([
    header,
    ...lines.map(({ kind, storage, bytes, ms, heapBytes, accuracy }) => [
      `${kind}, ${storage}`,
      ...[mega(bytes.value, 'MB'), times(bytes.ratio)],
      ...[`${ms.value.toFixed(3)} ms`, times(ms.ratio)],
      ...[`${(heapBytes.value / 2 ** 20).toFixed(1)} MiB`, times(heapBytes.ratio)],
      ...accuracy.flatMap(({ share, change }) => [percent(share), points(change).replace(' points', '')]),
    ]),
  ]);
  const model = cpus()[0]?.model ?? 'unknown';
  console.log(
    [
      `${model}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(2) ?? ''}, Node ${process.versions.node}`,
      `${settings.rounds} rounds; accuracy on ${settings.images} held-out images a task; ratios against float32`,
      '',
      ...table,
    ].join('\n'),
  );
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(lines, null, 2)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

function times(ratio: number): string {
  return `x ${ratio.toFixed(3)}`;
}
