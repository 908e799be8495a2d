import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { name as nameSchema } from '../../../shared/manifest.ts';
import { describePreprocessing } from '../../../shared/preprocessing.ts';
import { CommandError, UsageError, type CommandContext } from '../context.ts';
import { bytes, listed } from '../figures.ts';
import { answer, withJson, type JsonOption } from '../options.ts';
import { sourceDate } from '../sourceDate.ts';

interface UnzipOptions extends JsonOption {
  readonly out?: string;
  readonly rest?: string;
  readonly name?: string;
}

/** A task's network out of a bundle again. */
export function addUnzip(program: Command, context: CommandContext): void {
  withJson(program.command('unzip'))
    .description("take a task's network out of a bundle folder, as one ONNX file")
    .argument('<bundle>', 'folder; stays as it is')
    .argument('<task>')
    .option('--out <file>', 'where the network goes (default: <task>.onnx); must not exist')
    .option('--rest <folder>', 'also write the bundle without the task; must not exist')
    .option('--name <name>', "of the bundle without it (default: the folder's)")
    .addHelpText(
      'after',
      [
        '',
        'It takes the bundle alone: the weights are those that are stored, float16 and int8 ones too, and what comes out',
        'is checked against what the bundle answers.',
        '',
        'For example: trunkline unzip merged digit --out digit.onnx --rest merged-without-digit',
      ].join('\n'),
    )
    .action(async (folder: string, task: string, options: UnzipOptions) => {
      const out = resolve(options.out ?? `${task}.onnx`);
      const rest = options.rest === undefined ? undefined : resolve(options.rest);
      const name = options.name ?? basename(rest ?? '');
      if (rest === undefined && options.name !== undefined)
        throw new UsageError('--name is for the bundle without the task: say where it goes with --rest');
      if (rest !== undefined && !nameSchema.safeParse(name).success)
        throw new UsageError(`"${name}" is no name for a bundle: give one with --name`);
      for (const [option, path] of [
        ['--out', out],
        ['--rest', rest],
      ] as const)
        if (path !== undefined && existsSync(path))
          throw new CommandError(`Cannot unzip into ${path}: it exists`, `another path with ${option}`);
      const { readBundle } = await import('../../bundle/readBundle.ts');
      const { unzipTask, withoutTask } = await import('../../bundle/unzip.ts');
      const { writeBundle } = await import('../../bundle/writeBundle.ts');
      const { writeModelFile } = await import('../../onnx/files.ts');
      const bundle = await readBundle(folder);
      const { graph, parity } = await unzipTask(bundle, task);
      const left =
        rest === undefined
          ? undefined
          : await withoutTask(bundle, task, { name, createdAt: sourceDate(context.env) });
      await mkdir(dirname(out), { recursive: true });
      writeModelFile(out, graph);
      if (left && rest !== undefined) await writeBundle(rest, left);
      const { size: sizeBytes } = await stat(out);
      const labels = bundle.manifest.heads.find((head) => head.task === task)?.labels ?? [];
      const { preprocessing, storage = 'float32' } = bundle.manifest;
      const told = {
        ...{ task, file: out, sizeBytes, storage, labels, preprocessing, parity },
        rest: left && rest !== undefined ? { folder: rest, bundle: left.id } : null,
      };
      answer(context, options, told, () => [
        `${out}: ${bytes(sizeBytes)}, weights stored as ${storage}, at most ${parity.maxAbsDifference.toExponential(1)} from the bundle's answers`,
        `  reads    ${typeof preprocessing === 'string' ? preprocessing : describePreprocessing(preprocessing)}`,
        `  answers  ${labels.length > 0 ? listed(labels) : 'numbers without labels'}`,
        ...(left
          ? [
              `Bundle ${left.id.slice(0, 12)} of ${left.manifest.heads.map((head) => head.task).join(', ')} in ${rest ?? ''}`,
            ]
          : []),
        `Next: trunkline inspect ${options.out ?? `${task}.onnx`}${left ? `, or trunkline serve ${options.rest ?? ''}` : ''}`,
      ]);
    });
}
