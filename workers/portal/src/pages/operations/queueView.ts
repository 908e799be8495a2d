import type { JobView, RunnerView } from '../../../../../shared/jobs.ts';

/** Whoever was heard of last comes first. */
export const latestFirst = (runners: readonly RunnerView[]): RunnerView[] =>
  runners.toSorted((a, b) => b.seenAt.localeCompare(a.seenAt));

/** What a job is about, in a few words. */
export function jobTitle(job: JobView): string {
  switch (job.kind) {
    case 'inspect':
      return `Read ${job.subject.name}@${job.subject.version}`;
    case 'merge':
      return `Merge ${job.sources.map(({ task }) => task).join(' + ')} into ${job.request.name}`;
    case 'plan':
      return `Plan ${job.sources.map(({ task }) => task).join(' + ')}`;
    default:
      return job satisfies never;
  }
}
