import type { JobView } from '../../../../../shared/jobs.ts';

/** A runner as its jobs tell of it: there is no list of runners, only of what they claimed. */
export interface RunnerRow {
  readonly name: string;
  readonly version: string;
  readonly providers: readonly string[];
  /** What it works on now. */
  readonly working: readonly JobView[];
  /** When one of its jobs changed last. */
  readonly seenAt: string;
}

/** @param jobs newest first */
export function runnersOf(jobs: readonly JobView[]): RunnerRow[] {
  const names = [...new Set(jobs.flatMap(({ runner }) => runner?.name ?? []))];
  return names.map((name) => {
    const own = jobs.filter(({ runner }) => runner?.name === name);
    const [latest] = own.toSorted((a, b) => b.changedAt.localeCompare(a.changedAt));
    return {
      name,
      version: latest?.runner?.version ?? '',
      providers: latest?.runner?.providers ?? [],
      working: own.filter(({ state }) => state === 'leased'),
      seenAt: latest?.changedAt ?? '',
    };
  });
}

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
