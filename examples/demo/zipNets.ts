import { join } from 'node:path';
import type { Bundle } from '../../gpu-runner/bundle/bundle.ts';
import { exportBundle, packModel } from '../../gpu-runner/bundle/export.ts';
import { writeBundle } from '../../gpu-runner/bundle/writeBundle.ts';
import { accuracyOf } from '../../gpu-runner/mtz/evaluate.ts';
import { jointGraph, servingGraphs, taskGraph } from '../../gpu-runner/mtz/wiring.ts';
import { zip, type Zipped, type ZipProgress } from '../../gpu-runner/mtz/zip.ts';
import type { Manifest } from '../../shared/manifest.ts';
import { recipe as recipeSchema, type Recipe } from '../../shared/recipe.ts';
import type { Tensor } from '../../shared/tensor.ts';
import type { ExampleNet } from '../nets.ts';
import { preprocessing, type ExampleTask } from '../tasks.ts';
import type { Progress } from './progress.ts';

/** A trained net and its images. */
export interface DemoNet extends ExampleNet {
  readonly images: ExampleTask;
}

export interface StoredBundle {
  readonly bundle: Bundle;
  readonly manifest: Manifest;
  readonly folder: string;
}

/**
 * Every hidden channel of both nets is shared, and the trunk runs once for both tasks. Retrained on the originals' answers
 * alone: 840 steps, 1/17.9 of the training, or a tenth of that when `quick`.
 */
const demoRecipe = (quick: boolean): Recipe =>
  recipeSchema.parse({
    wiring: 'one-way',
    share: { share: 1 },
    gramSamples: 4096,
    retraining: {
      stepsPerLayer: quick ? 10 : 100,
      finalSteps: quick ? 54 : 540,
      batchSize: 64,
      learningRate: 0.001,
      weightDecay: 0.01,
      distillation: 1,
    },
  });

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

/** A zipped network and the recipe that led to it. */
export interface ZippedNets extends Zipped {
  readonly recipe: Recipe;
}

/** Zips the nets and retrains lightly. */
export async function zipNets(
  nets: readonly DemoNet[],
  quick: boolean,
  progress: Progress,
): Promise<ZippedNets> {
  const recipe = demoRecipe(quick);
  const zipped = await zip(
    nets.map(({ graph, images }) => ({
      task: images.task,
      graph,
      train: images.train,
      validation: images.validation,
    })),
    recipe,
    {
      provider: 'cpu',
      onProgress(event) {
        const place = `layer ${event.layerIndex + 1} of ${event.hiddenLayers}, ${event.layer}`;
        const { lasting, text } = describe(event);
        if (lasting) progress.note(`${place}: ${text}`);
        else progress.update(`${place}: ${text}`);
      },
    },
  );
  return { ...zipped, recipe };
}

/** Makes trunk and heads of a zipped network, checks the files against it and stores the bundle. */
export async function packZipped(
  name: string,
  zipped: ZippedNets,
  nets: readonly DemoNet[],
  folder: string,
): Promise<StoredBundle> {
  const { trunk, heads } = servingGraphs(zipped.network);
  const bundle = await exportBundle(
    {
      name,
      preprocessing,
      trunk,
      heads: await Promise.all(
        heads.map(async ({ task, graph }) => {
          const net = nets.find(({ images }) => images.task === task);
          if (!net) throw new Error(`Cannot export head "${task}": no net answers it`);
          const { test } = net.images;
          const after = await accuracyOf(taskGraph(zipped.network, task), test, { provider: 'cpu' });
          const accuracy = { before: net.info.test.fraction, after, samples: test.size };
          return { task, graph, labels: net.info.labels, accuracy };
        }),
      ),
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

function describe(event: ZipProgress): { lasting: boolean; text: string } {
  switch (event.stage) {
    case 'measure':
      return { lasting: false, text: `measuring what "${event.task}" feeds it` };
    case 'share':
      return {
        lasting: true,
        text: `${event.channels} channels shared, predicted loss ${event.cost.toFixed(3)}`,
      };
    case 'retrain': {
      const losses = event.losses.map((loss) => loss.toFixed(3)).join(' and ');
      const left = Math.ceil(event.etaMs / 1000);
      return {
        lasting: false,
        text: `retraining ${event.step}/${event.steps}, losses ${losses}, ${left} s left`,
      };
    }
    case 'validate': {
      const shares = Object.entries(event.accuracy).map(
        ([task, share]) => `${task} ${(100 * share).toFixed(2)} %`,
      );
      return { lasting: true, text: `retrained, validation accuracy ${shares.join(', ')}` };
    }
    case 'floor':
      return {
        lasting: true,
        text: `below its floor, ${event.to} channels are shared instead of ${event.from}`,
      };
    default:
      return event satisfies never;
  }
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
