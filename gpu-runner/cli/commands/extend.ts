import type { Command } from 'commander';
import type { Manifest } from '../../../shared/manifest.ts';
import { describePreprocessing, type Preprocessing } from '../../../shared/preprocessing.ts';
import type { Recipe } from '../../../shared/recipe.ts';
import { CommandError, UsageError, type CommandContext } from '../context.ts';
import { readSources, dataOption, withNets, type LocalSources, type SourceOptions } from '../localSources.ts';
import { mergeHere, targetHelp, withTarget, type MergeHereOptions } from '../mergeHere.ts';
import { checkTarget } from '../mergeTarget.ts';
import { withJson } from '../options.ts';
import { readRecipe, withRecipe, type RecipeOptions } from '../recipeOptions.ts';

type ExtendOptions = MergeHereOptions & RecipeOptions & SourceOptions;
type Model = Manifest['lineage']['models'][number];

/** A task more in a bundle. */
export function addExtend(program: Command, context: CommandContext): void {
  withRecipe(withTarget(dataOption(withNets(withJson(program.command('extend'))), 'requiredOption')))
    .description('add a task to a bundle folder: a new bundle, in which what was shared stays shared')
    .argument('<bundle>', 'folder; stays as it is')
    .addHelpText(
      'after',
      [
        '',
        'The networks that the bundle was merged from, and data of their tasks, are needed too: all tasks are retrained',
        "together. Without a recipe or options, it is done by the bundle's own recipe, as much shared as the others share:",
        'the new task never shares more of a layer than they do, and nothing where they share nothing. A network that has',
        'less in common with them than they have shares its first layers as far as they are the same; the rest is its head.',
        targetHelp,
        '',
        'For example: trunkline extend merged --net digit=digit.onnx --data digit=digits.npz --net letter=letter.onnx',
        '  --data letter=letters/ --net sign=sign.onnx --data sign=signs/ --out merged-3',
      ].join('\n'),
    )
    .action(async (folder: string, options: ExtendOptions) => {
      const target = checkTarget(options);
      const { readBundle } = await import('../../bundle/readBundle.ts');
      const { mergedBefore } = await import('../../runner/mergedBefore.ts');
      const bundle = await readBundle(folder);
      const { models } = bundle.manifest.lineage;
      const before = mergedBefore(bundle);
      const added = addedTask(models, options);
      const recipe = await readRecipe(options, ownRecipe(before.recipe));
      const order = [...models.map(({ task }) => task), added];
      const net = new Map(order.map((task) => [task, options.net.get(task) ?? '']));
      await mergeHere(context, target, options, {
        ...{ recipe, before },
        read: async (progress) => {
          const read = await readSources({ ...options, net }, recipe, (what) =>
            progress.update(`Reading ${what}`),
          );
          checkDigests(models, read);
          checkInput(bundle.manifest, read);
          return read;
        },
      });
    });
}

/** A budget, or counts that floors may have changed, said how much was shared then; now it is as much as the others share. */
function ownRecipe({ budget, ...recipe }: Recipe): Recipe {
  const isUniform = typeof recipe.share.share === 'number';
  return budget || !isUniform ? { ...recipe, share: { share: 1 } } : recipe;
}

/** The one task that is not in the bundle. @throws {CommandError} naming the networks that are missing */
function addedTask(models: readonly Model[], { net }: ExtendOptions): string {
  const missing = models.filter(({ task }) => !net.has(task));
  if (missing.length > 0)
    throw new CommandError(
      `Cannot extend: all tasks are retrained together, and these networks of the bundle are missing:\n${missing
        .map(({ task, name, sha256 }) => `  ${task}: "${name}", SHA-256 ${sha256}`)
        .join('\n')}`,
      missing.map(({ task }) => `--net ${task}=<file.onnx> --data ${task}=<path>`).join(' '),
    );
  const [added, ...others] = [...net.keys()].filter((task) => models.every((model) => model.task !== task));
  if (added === undefined)
    throw new UsageError('Cannot extend: name the network that is to be added with --net');
  if (others.length > 0)
    throw new UsageError(
      `Cannot extend by ${[added, ...others].join(' and ')} at once: add one, and the next to what comes out`,
    );
  return added;
}

/** @throws {CommandError} when a network is another than the one that was merged */
function checkDigests(models: readonly Model[], { sources }: LocalSources): void {
  for (const { task, name, sha256 } of models) {
    const found = sources.find((source) => source.task === task)?.model.sha256;
    if (found !== sha256)
      throw new CommandError(
        `Cannot extend: the network of "${task}" has the SHA-256 ${found ?? 'of nothing'}, the bundle was merged from "${name}" with ${sha256}`,
        `--net ${task}=<the file with that digest>`,
      );
  }
}

/** @throws {CommandError} when inputs would be made otherwise than for the bundle, whose weights expect those */
function checkInput({ preprocessing: before }: Manifest, { preprocessing: now }: LocalSources): void {
  if (typeof before === 'string' || typeof now === 'string') return;
  // Resizing may be added: images that needed none come out the same.
  const facts = ({ layout, scale, mean, std }: Preprocessing): string =>
    JSON.stringify([layout, scale, mean, std]);
  if (facts(before) === facts(now)) return;
  throw new CommandError(
    `Cannot extend: inputs of the bundle are made of ${describePreprocessing(before)}, those of these data of ${describePreprocessing(now)}`,
    'the data and --preprocessing that the bundle was merged with',
  );
}
