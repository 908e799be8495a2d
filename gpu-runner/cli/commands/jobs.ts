import { Option, type Command } from 'commander';
import type { TrunklineClient } from '../../../client/client.ts';
import {
  isFinal,
  jobKinds,
  jobStates,
  type JobKind,
  type JobState,
  type JobView,
} from '../../../shared/jobs.ts';
import { textTable } from '../../runner/textTable.ts';
import type { RemoteOptions } from '../config.ts';
import { CommandError, type CommandContext } from '../context.ts';
import { moment } from '../figures.ts';
import { jobLines, mergeResultLine, progressLine } from '../jobLines.ts';
import { answer, connect, withRemote, wholeNumber, type JsonOption } from '../options.ts';
import { Progress } from '../progress.ts';

type Options = RemoteOptions & JsonOption;

interface ListOptions extends Options {
  readonly state?: JobState;
  readonly kind?: JobKind;
  readonly limit: number;
}

/** What runners have done, do and will do. */
export function addJobs(program: Command, context: CommandContext): void {
  withRemote(program.command('jobs'))
    .description('list jobs, newest first')
    .addOption(new Option('--state <state>').choices(jobStates))
    .addOption(new Option('--kind <kind>').choices(jobKinds))
    .option('--limit <n>', 'at most so many', wholeNumber(1, 10_000), 20)
    .action(async ({ state, kind, limit, ...options }: ListOptions) => {
      const client = await connect(context, options);
      const jobs: JobView[] = [];
      const query = { ...(state && { state }), ...(kind && { kind }) };
      for await (const job of client.jobs.list(query)) {
        jobs.push(job);
        if (jobs.length === limit) break;
      }
      answer(context, options, { jobs }, () =>
        jobs.length === 0
          ? 'There are no such jobs.'
          : textTable([['job', 'kind', 'of', 'state', 'asked', 'now'], ...jobs.map(row)], 6),
      );
    });
  const one = (name: string, description: string): Command =>
    withRemote(program.command(name)).description(description).argument('<job>', 'its id');
  one('cancel', 'cancel a job; a runner that works on it stops within seconds').action(
    async (id: string, options: Options) => {
      const client = await connect(context, options);
      answer(context, options, await client.jobs.cancel(id), jobLines);
    },
  );
  one('retry', 'do again what a job failed to do').action(async (id: string, options: Options) => {
    const client = await connect(context, options);
    const job = await client.jobs.retry(id);
    answer(context, options, job, () => [...jobLines(job), `Next: trunkline watch ${job.id}`]);
  });
  one('watch', 'follow a job until it is over').action(async (id: string, options: Options) => {
    await watch(context, await connect(context, options), id, options);
  });
}

const row = (job: JobView): string[] => [
  job.id,
  job.kind,
  subjectOf(job),
  job.cancelRequested && !isFinal(job.state) ? 'cancelling' : job.state,
  moment(job.createdAt),
  isFinal(job.state) ? '' : job.progress ? progressLine(job.progress) : (job.reason ?? ''),
];

function subjectOf(job: JobView): string {
  switch (job.kind) {
    case 'merge':
      return job.request.name;
    case 'plan':
      return job.sources.map(({ task }) => task).join(' + ');
    case 'inspect':
      return `${job.request.kind} ${job.subject.name}@${job.subject.version}`;
    default:
      return job satisfies never;
  }
}

/**
 * Shows how a job goes on until it is over, then what it led to.
 *
 * @throws {CommandError} when it failed or was cancelled
 */
export async function watch(
  context: CommandContext,
  client: TrunklineClient,
  id: string,
  options: JsonOption,
): Promise<void> {
  const progress = new Progress(context);
  try {
    for await (const event of client.jobs.events(id, { signal: context.signal })) {
      if (event.type === 'progress') {
        const line = progressLine(event.data);
        if (event.data.accuracy) progress.note(line);
        else progress.update(line);
      } else {
        const { state, runner, reason } = event.data;
        if (state === 'leased') progress.note(`Runner ${runner ?? ''} works on it`);
        else if (state === 'queued' && reason !== null)
          progress.note(`It waits for another attempt: ${reason}`);
        else if (state === 'queued') progress.update('It waits for a runner');
      }
    }
  } catch (error) {
    progress.clear();
    if (context.signal?.aborted)
      context.complain(`The job goes on. Next: trunkline watch ${id}, or trunkline cancel ${id}`);
    throw error;
  }
  progress.clear();
  const job = await client.jobs.get(id);
  if (job.state !== 'succeeded') {
    if (options.json) context.print(JSON.stringify(job, null, 2));
    const how = job.state === 'failed' ? 'failed' : `is ${job.state}`;
    throw new CommandError(
      `Job ${id} ${how}${job.reason === null ? '' : `: ${job.reason}`}`,
      `trunkline retry ${id}`,
    );
  }
  answer(context, options, job, () =>
    job.kind === 'merge' && job.result ? `Done: ${mergeResultLine(job.result)}` : jobLines(job),
  );
}
