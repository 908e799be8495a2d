import type { RunnerView } from '../../../shared/jobs.ts';
import type { ListedRunner } from '../../store/runners.ts';

/** Milliseconds without a word until a runner without a job is taken to be gone: words are noted once a minute. */
const silentAfterMs = 180_000;

/** A runner as its project sees it. */
export function viewOfRunner(row: ListedRunner, now: string): RunnerView {
  const { name, version, providers, kinds, firstSeenAt, seenAt, jobs, succeeded, failed } = row;
  const silent = Date.parse(now) - Date.parse(seenAt) > silentAfterMs;
  const state = jobs.length > 0 ? 'working' : silent ? 'silent' : 'waiting';
  return { name, version, providers, kinds, state, firstSeenAt, seenAt, jobs, succeeded, failed };
}
