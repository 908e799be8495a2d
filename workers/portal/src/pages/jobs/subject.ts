import type { JobView } from '../../../../../shared/jobs.ts';

/** What a job is about, in a few words. */
export function subjectOf(job: JobView): string {
  switch (job.kind) {
    case 'merge':
      return job.request.name;
    case 'plan':
      return `Plan for ${job.sources.map(({ task }) => task).join(' and ')}`;
    case 'inspect':
      return `Read ${job.subject.name}@${job.subject.version}`;
    default:
      return job satisfies never;
  }
}

/** The state in words; a cancellation that its runner has not heard of yet is one. */
export const stateWords = ({ state, cancelRequested }: Pick<JobView, 'state' | 'cancelRequested'>): string =>
  state === 'leased'
    ? cancelRequested
      ? 'stopping'
      : 'running'
    : state === 'queued'
      ? 'waiting'
      : state === 'succeeded'
        ? 'done'
        : state;
