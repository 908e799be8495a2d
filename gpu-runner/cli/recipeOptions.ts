import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { explainIssues } from '../../shared/explain-issues.ts';
import {
  batchNorms,
  inputAdaptations,
  matchings,
  recipe as recipeSchema,
  storages,
  wirings,
  type Budget,
  type InputAdaptation,
  type Recipe,
  type RecipeInput,
  type Retraining,
} from '../../shared/recipe.ts';
import { UsageError } from './context.ts';
import { byteCount, wholeNumber } from './options.ts';

export interface RecipeOptions {
  readonly recipe?: string;
  readonly wiring?: Recipe['wiring'];
  readonly matching?: Recipe['matching'];
  readonly batchNorm?: Recipe['batchNorm'];
  readonly inputChannels?: Readonly<Record<string, InputAdaptation>>;
  readonly sparse?: boolean;
  readonly refit?: boolean;
  readonly share?: number;
  readonly stepsPerLayer?: number;
  readonly finalSteps?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly distillation?: number;
  readonly seed?: number;
  readonly maxParameters?: number;
  readonly maxMacs?: number;
  readonly maxBytes?: number;
  readonly maxHeap?: number;
  readonly maxDrop?: number;
  readonly storage?: Recipe['storage'];
  readonly maxStorageDrop?: number;
}

/** Light retraining on the originals' answers; as the demo's. */
const base = {
  wiring: 'one-way',
  share: { share: 1 },
  retraining: {
    stepsPerLayer: 100,
    finalSteps: 540,
    batchSize: 64,
    learningRate: 0.001,
    weightDecay: 0.01,
    distillation: 1,
  },
} satisfies RecipeInput;

const number =
  (low: number, high: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && value >= low && value <= high) return value;
    throw new UsageError(`"${text}" is no number from ${low} to ${high}`);
  };

const isAdaptation = (how: string | undefined): how is InputAdaptation =>
  (inputAdaptations as readonly (string | undefined)[]).includes(how);

function inputChannels(
  text: string,
  before: RecipeOptions['inputChannels'],
): NonNullable<RecipeOptions['inputChannels']> {
  const [, task = '', how] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (!isAdaptation(how))
    throw new InvalidArgumentError(
      `It should be task=${inputAdaptations.join(' or task=')}, e.g. digit=luma.`,
    );
  if (before?.[task] !== undefined) throw new InvalidArgumentError(`Task "${task}" is named twice.`);
  return { ...before, [task]: how };
}

/** Fields of a recipe's retraining that no option sets. */
export const recipeOnly = [
  'weightDecay',
  'temperature',
  'batchSizes',
  'lossWeights',
  'adaptiveWeights',
  'earlyStopping',
  'augmentation',
  'clipNorm',
] as const satisfies readonly (keyof Retraining)[];

/** How to merge: a file, options that win over it, or the defaults. */
export const withRecipe = (command: Command): Command =>
  command
    .option(
      '--recipe <file>',
      `how to merge, as JSON; the options below win over it. Its "retraining" also takes ${recipeOnly.join(', ')}; the README has an example`,
    )
    .addOption(new Option('--wiring <wiring>', `default: ${base.wiring}`).choices(wirings))
    .addOption(
      new Option(
        '--matching <matching>',
        'which channels become one: of least summed cost, cheapest pair first, or by chance (default: optimal)',
      ).choices(matchings),
    )
    .addOption(
      new Option(
        '--batch-norm <how>',
        "into the weights before it where it can, or each task's own on shared channels (default: per-task where the wiring is crossed, else fold)",
      ).choices(batchNorms),
    )
    .option(
      '--input-channels <task=how>',
      "a network of other channels than the rest: a grey one takes RGB's mean or luma, an RGB one reads grey by repeat; one a task",
      inputChannels,
    )
    .option('--sparse', 'the networks were pruned: weights that are 0 stay 0')
    .option('--no-refit', 'leave the layers that read what was shared as they were')
    .option('--share <share>', 'of the channels of every group, 0 to 1 (default: 1)', number(0, 1))
    .option(
      '--max-parameters <share>',
      'of those of the separate networks, heads included, 0 to 1: shares what costs least',
      number(0, 1),
    )
    .option('--max-macs <share>', 'of the multiply-adds of the separate networks, 0 to 1', number(0, 1))
    .option('--max-bytes <size>', 'of the weights as they are stored, e.g. 500KiB or 2MiB', byteCount)
    .option('--max-heap <size>', 'of the heap at the edge with all of it loaded, e.g. 64MiB', byteCount)
    .option(
      '--max-drop <share>',
      'of accuracy on held-out data, 0 to 1: shares less where a layer loses more',
      number(0, 1),
    )
    .option(
      '--steps-per-layer <n>',
      `retraining after each layer (default: ${base.retraining.stepsPerLayer})`,
      wholeNumber(0, 1e9),
    )
    .option(
      '--final-steps <n>',
      `retraining at the end (default: ${base.retraining.finalSteps})`,
      wholeNumber(0, 1e9),
    )
    .option(
      '--batch-size <n>',
      `samples of each task in a step (default: ${base.retraining.batchSize})`,
      wholeNumber(1, 1e6),
    )
    .option('--learning-rate <rate>', `default: ${base.retraining.learningRate}`, number(0, 100))
    .option(
      '--distillation <weight>',
      'of the originals against the labels, 0 to 1 (default: 1)',
      number(0, 1),
    )
    .addOption(
      new Option(
        '--storage <type>',
        'of the weights in the bundle: float16 takes half the bytes, int8 a quarter and computes on integers (default: float32)',
      ).choices(storages),
    )
    .option(
      '--max-storage-drop <share>',
      'of accuracy on held-out data that int8 may cost a task, 0 to 1 (default: 0.005); floors hold as well',
      number(0, 1),
    )
    .option('--seed <n>', 'of everything random (default: 1)', wholeNumber(0, 2 ** 31));

/**
 * @param defaults where neither options nor a file say how
 * @throws {Error} "Cannot use <file> as a recipe: ..."
 */
export async function readRecipe(options: RecipeOptions, defaults: RecipeInput = base): Promise<Recipe> {
  const { recipe: file, share, maxDrop, ...rest } = options;
  const { wiring, matching, batchNorm, sparse, refit, storage, maxStorageDrop, seed } = options;
  const budget = budgetOf(options);
  const { stepsPerLayer, finalSteps, batchSize, learningRate, distillation } = rest;
  const given: Readonly<Record<string, unknown>> = file === undefined ? defaults : await readObject(file);
  const { retraining, inputChannels: adapted } = given;
  const merged = {
    ...given,
    ...defined({ wiring, matching, batchNorm, sparse, storage, maxStorageDrop, seed }),
    // Commander's --no-refit is true where it is not given.
    ...(refit === false && { refit }),
    ...(share !== undefined && { share: { share } }),
    ...(options.inputChannels && {
      inputChannels: { ...(typeof adapted === 'object' ? adapted : {}), ...options.inputChannels },
    }),
    ...(budget && { budget }),
    ...(maxDrop !== undefined && { floors: { maxDrop } }),
    retraining: {
      ...(typeof retraining === 'object' ? retraining : {}),
      ...defined({ stepsPerLayer, finalSteps, batchSize, learningRate, distillation }),
    },
  };
  const parsed = recipeSchema.safeParse(merged);
  if (parsed.success) return parsed.data;
  throw new Error(`Cannot use ${file ?? 'these options'} as a recipe: ${explainIssues(parsed.error)}`);
}

/** @throws {UsageError} when there are two */
function budgetOf({ maxParameters, maxMacs, maxBytes, maxHeap }: RecipeOptions): Budget | undefined {
  const given: { readonly option: string; readonly budget: Budget }[] = [];
  const add = (option: string, budget: Budget): void => void given.push({ option, budget });
  if (maxParameters !== undefined) add('--max-parameters', { of: 'parameters', atMost: maxParameters });
  if (maxMacs !== undefined) add('--max-macs', { of: 'macs', atMost: maxMacs });
  if (maxBytes !== undefined) add('--max-bytes', { of: 'bytes', atMostBytes: maxBytes });
  if (maxHeap !== undefined) add('--max-heap', { of: 'heap', atMostBytes: maxHeap });
  if (given.length > 1)
    throw new UsageError(`Give one budget, not ${given.map(({ option }) => option).join(' and ')}`);
  return given[0]?.budget;
}

const defined = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

async function readObject(file: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
    throw new Error('it is no JSON object');
  } catch (cause) {
    throw new Error(
      `Cannot use ${file} as a recipe: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
