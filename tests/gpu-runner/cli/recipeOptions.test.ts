import { Command, CommanderError } from 'commander';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRecipe, withRecipe, type RecipeOptions } from '../../../gpu-runner/cli/recipeOptions.ts';
import { recipe as recipeSchema, type Recipe } from '../../../shared/recipe.ts';
import { Home } from './runCli.ts';

let home: Home;
beforeAll(async () => {
  home = await Home.make();
});
afterAll(() => home.remove());

const least = { stepsPerLayer: 1, finalSteps: 2, batchSize: 3, learningRate: 0.1 };

/** What a command line asks for. */
async function asked(...args: string[]): Promise<Recipe> {
  const command = withRecipe(new Command('zip'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return readRecipe(command.parse(args, { from: 'user' }).opts<RecipeOptions>());
}

test('every option lands in the recipe, and the rest are the defaults', async () => {
  const plain = await asked();
  expect(plain).toMatchObject({ wiring: 'one-way', share: { share: 1 }, storage: 'float32', sparse: false });
  const all = await asked(
    ...['--wiring', 'crossed', '--matching', 'greedy', '--batch-norm', 'per-task', '--sparse'],
    ...['--input-channels', 'digit=luma', '--input-channels', 'sign=repeat', '--seed', '7'],
    ...['--storage', 'int8', '--max-storage-drop', '0.01', '--max-macs', '0.5', '--max-drop', '0.02'],
    ...['--batch-size', '16', '--distillation', '0.5'],
  );
  const { retraining, ...rest } = plain;
  expect(all).toEqual({
    ...rest,
    ...{ wiring: 'crossed', matching: 'greedy', batchNorm: 'per-task', sparse: true, seed: 7 },
    inputChannels: { digit: 'luma', sign: 'repeat' },
    ...{
      storage: 'int8',
      maxStorageDrop: 0.01,
      budget: { of: 'macs', atMost: 0.5 },
      floors: { maxDrop: 0.02 },
    },
    retraining: { ...retraining, batchSize: 16, distillation: 0.5 },
  });
});

test('a budget is of one thing: parameters, multiply-adds, bytes of weights or heap', async () => {
  const budget = async (...args: string[]) => (await asked(...args)).budget;
  expect(await budget('--max-parameters', '0.5')).toEqual({ of: 'parameters', atMost: 0.5 });
  expect(await budget('--max-bytes', '1000')).toEqual({ of: 'bytes', atMostBytes: 1000 });
  expect(await budget('--max-bytes', '2 KiB')).toEqual({ of: 'bytes', atMostBytes: 2048 });
  expect(await budget('--max-heap', '64MiB')).toEqual({ of: 'heap', atMostBytes: 64 * 2 ** 20 });
  await expect(budget('--max-heap', '64MiB', '--max-macs', '0.5')).rejects.toThrow(
    'Give one budget, not --max-macs and --max-heap',
  );
});

test('batch normalisation is as the wiring wants it where nobody says how', async () => {
  expect((await asked()).batchNorm).toBe('fold');
  expect((await asked('--wiring', 'crossed')).batchNorm).toBe('per-task');
  expect((await asked('--wiring', 'crossed', '--batch-norm', 'fold')).batchNorm).toBe('fold');
  const file = home.path('crossed.json');
  await writeFile(file, JSON.stringify({ wiring: 'crossed', batchNorm: 'fold', retraining: least }));
  expect((await asked('--recipe', file)).batchNorm).toBe('fold');
  await writeFile(file, JSON.stringify({ wiring: 'crossed', retraining: least }));
  expect((await asked('--recipe', file)).batchNorm).toBe('per-task');
});

test('options win over a recipe file, task by task where they name one', async () => {
  const file = home.path('recipe.json');
  const given = recipeSchema.parse({
    ...{ wiring: 'prefix', matching: 'random', storage: 'float16', sparse: true, maxStorageDrop: 0.3 },
    inputChannels: { digit: 'mean', letter: 'mean' },
    retraining: least,
  });
  await writeFile(file, JSON.stringify(given));
  expect(await asked('--recipe', file)).toEqual(given);
  expect(
    await asked(
      '--recipe',
      file,
      '--matching',
      'optimal',
      '--input-channels',
      'digit=luma',
      '--storage',
      'int8',
    ),
  ).toEqual({
    ...given,
    ...{ matching: 'optimal', storage: 'int8' },
    inputChannels: { digit: 'luma', letter: 'mean' },
  });
});

test.each([
  [['--storage', 'int4'], 'Allowed choices are float32, float16, int8.'],
  [['--max-heap', '64MB'], 'It should be bytes or a number of KiB, MiB, GiB or TiB, e.g. 4GiB.'],
  [['--max-bytes', '0'], 'It should be bytes or a number of KiB, MiB, GiB or TiB, e.g. 4GiB.'],
  [['--matching', 'best'], 'Allowed choices are optimal, greedy, random.'],
  [['--input-channels', 'digit'], 'It should be task=mean or task=luma or task=repeat, e.g. digit=luma.'],
  [['--input-channels', 'digit=sum'], 'It should be task=mean or task=luma or task=repeat, e.g. digit=luma.'],
  [['--input-channels', 'digit=luma', '--input-channels', 'digit=mean'], 'Task "digit" is named twice.'],
])('%j is refused', async (args, why) => {
  const refused = await asked(...args).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(CommanderError);
  expect((refused as CommanderError).message).toContain(why);
});
