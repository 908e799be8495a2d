import type { RunnerView } from '../../../shared/jobs.ts';
import type { listRunners } from '../../store/runners.ts';

/** Milliseconds without a word until a runner without a job is taken to be gone: words are noted once a minute. */
const silentAfterMs = 180_000;

/** A runner as its project sees it. */
export function viewOfRunner(
  { project: _, ...row }: Awaited<ReturnType<typeof listRunners>>['rows'][number],
  now: string,
): RunnerView {
  const silent = Date.parse(now) - Date.parse(row.seenAt) > silentAfterMs;
  return { ...row, state: row.jobs.length > 0 ? 'working' : silent ? 'silent' : 'waiting' };
}
