import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { explainIssues } from '../../shared/explain-issues.ts';
import { recipe as recipeSchema, wirings, type Recipe, type RecipeInput } from '../../shared/recipe.ts';
import { UsageError } from './context.ts';
import { wholeNumber } from './options.ts';

export interface RecipeOptions {
  readonly recipe?: string;
  readonly wiring?: Recipe['wiring'];
  readonly share?: number;
  readonly stepsPerLayer?: number;
  readonly finalSteps?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly distillation?: number;
  readonly seed?: number;
  readonly maxParameters?: number;
  readonly maxMacs?: number;
  readonly maxDrop?: number;
}

/** Light retraining on the originals' answers; as the demo's. */
const base = {
  wiring: 'one-way',
  share: { share: 1 },
  retraining: {
    stepsPerLayer: 100,
    finalSteps: 540,
    batchSize: 64,
    learningRate: 0.003,
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

/** How to merge: a file, options that win over it, or the defaults. */
export const withRecipe = (command: Command): Command =>
  command
    .option('--recipe <file>', 'how to merge, as JSON; the options below win over it')
    .addOption(new Option('--wiring <wiring>', `default: ${base.wiring}`).choices(wirings))
    .option('--share <share>', 'of the channels of every group, 0 to 1 (default: 1)', number(0, 1))
    .option(
      '--max-parameters <share>',
      'of those of the separate networks, 0 to 1: shares what costs least',
      number(0, 1),
    )
    .option('--max-macs <share>', 'of the multiply-adds of the separate networks, 0 to 1', number(0, 1))
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
    .option('--seed <n>', 'of everything random (default: 1)', wholeNumber(0, 2 ** 31));

/** @throws {Error} "Cannot use <file> as a recipe: ..." */
export async function readRecipe(options: RecipeOptions): Promise<Recipe> {
  const { recipe: file, wiring, share, seed, maxParameters, maxMacs, maxDrop, ...rest } = options;
  if (maxParameters !== undefined && maxMacs !== undefined)
    throw new UsageError('Give --max-parameters or --max-macs, not both');
  const { stepsPerLayer, finalSteps, batchSize, learningRate, distillation } = rest;
  const given = file === undefined ? base : await readObject(file);
  const retraining: unknown = given.retraining;
  const changes = { stepsPerLayer, finalSteps, batchSize, learningRate, distillation };
  const merged = {
    ...given,
    ...(wiring !== undefined && { wiring }),
    ...(share !== undefined && { share: { share } }),
    ...(seed !== undefined && { seed }),
    ...(maxParameters !== undefined && { budget: { of: 'parameters', atMost: maxParameters } }),
    ...(maxMacs !== undefined && { budget: { of: 'macs', atMost: maxMacs } }),
    ...(maxDrop !== undefined && { floors: { maxDrop } }),
    retraining: {
      ...(typeof retraining === 'object' ? retraining : {}),
      ...Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)),
    },
  };
  const parsed = recipeSchema.safeParse(merged);
  if (parsed.success) return parsed.data;
  throw new Error(`Cannot use ${file ?? 'these options'} as a recipe: ${explainIssues(parsed.error)}`);
}

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
