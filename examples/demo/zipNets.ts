import { zip, type Zipped, type ZipProgress } from '../../gpu-runner/mtz/zip.ts';
import { recipe as recipeSchema, type Recipe } from '../../shared/recipe.ts';
import type { ExampleNet } from '../nets.ts';
import type { ExampleTask } from '../tasks.ts';
import type { Progress } from './progress.ts';

/** A trained net and its images. */
export interface DemoNet extends ExampleNet {
  readonly images: ExampleTask;
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
