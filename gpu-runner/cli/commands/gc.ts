import type { Command } from 'commander';
import type { GcReply } from '../../../shared/registry.ts';
import { grouped } from '../../runner/figures.ts';
import type { RemoteOptions } from '../config.ts';
import { UsageError, type CommandContext } from '../context.ts';
import { bytes } from '../figures.ts';
import { answer, connect, withRemote, type JsonOption } from '../options.ts';
import { Progress } from '../progress.ts';

interface GcOptions extends RemoteOptions, JsonOption {
  readonly delete?: boolean;
  readonly graceHours: string;
}

/** Content that nothing refers to. */
export function addGc(program: Command, context: CommandContext): void {
  withRemote(program.command('gc'))
    .description('say which content nothing refers to, and delete it when told to (scope admin)')
    .option('--delete', 'delete it')
    .option('--grace-hours <n>', 'younger content stays: somebody may be about to refer to it', '24')
    .action(async (options: GcOptions) => {
      const graceHours = Number(options.graceHours);
      if (!(graceHours >= 0 && graceHours <= 8760))
        throw new UsageError(`Cannot wait ${options.graceHours} hours: it should be 0 to 8760`);
      const client = await connect(context, options);
      const progress = new Progress(context);
      const deleted: GcReply['deleted'] = [];
      let examined = 0;
      for await (const part of client.collectGarbage({ dryRun: options.delete !== true, graceHours })) {
        deleted.push(...part.deleted);
        examined += part.examined;
        progress.update(
          `${part.stage}: ${grouped(examined)} looked at, ${grouped(deleted.length)} unreferenced`,
        );
      }
      progress.clear();
      const freed = deleted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      answer(
        context,
        options,
        { dryRun: options.delete !== true, examined, sizeBytes: freed, deleted },
        () => {
          const counts = (['blob', 'manifest', 'upload'] as const)
            .map((kind) => [deleted.filter((one) => one.kind === kind).length, kind] as const)
            .filter(([count]) => count > 0)
            .map(([count, kind]) => `${grouped(count)} ${kind}${count === 1 ? '' : 's'}`);
          if (counts.length === 0) return 'Everything is referred to, or too young to go.';
          const what = `${counts.join(', ')}, ${bytes(freed)}`;
          return options.delete
            ? `Deleted ${what}.`
            : `Nothing refers to ${what}. Next: trunkline gc --delete`;
        },
      );
    });
}
