import type { Command } from 'commander';
import { CommandError, type CommandContext } from '../context.ts';
import { localData } from '../dataDescription.ts';
import { inspectionLines } from '../inspectionLines.ts';
import { answer, withJson, type JsonOption } from '../options.ts';
import { basename } from 'node:path';

/** What a file holds. */
export function addInspect(program: Command, context: CommandContext): void {
  withJson(program.command('inspect'))
    .description('read an ONNX file, or data as "push dataset" takes it, and say what is in it')
    .argument('<path>')
    .action(async (path: string, options: JsonOption) => {
      if (path.endsWith('.onnx')) {
        const { readModelFiles } = await import('../modelFiles.ts');
        const { inspectModel } = await import('../../runner/work/inspectModel.ts');
        const inspection = inspectModel(readModelFiles(path).graph, []);
        answer(context, options, inspection, () => [basename(path), ...inspectionLines(inspection)]);
        return;
      }
      const data = await localData(path).catch((cause: unknown) => {
        throw new CommandError(
          cause instanceof Error ? cause.message : String(cause),
          'trunkline push dataset --help',
          { cause },
        );
      });
      const { describeDataset } = await import('../../data/describeDataset.ts');
      const { inspection } = await describeDataset(data.document, data.resolveFile);
      answer(context, options, inspection, () => [path, ...inspectionLines(inspection)]);
    });
}
