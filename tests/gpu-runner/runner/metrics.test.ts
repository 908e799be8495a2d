import { expect, it } from 'vitest';
import { RunnerMetrics } from '../../../gpu-runner/runner/metrics.ts';

const at = '2026-01-02T03:04:05.000Z';
const make = (): RunnerMetrics => new RunnerMetrics({ name: 'n', version: '1', provider: 'cpu' });

it('RunnerMetrics counts jobs by kind and outcome, and knows whether it is busy', async () => {
  const metrics = make();
  metrics.claimed('nothing');
  metrics.claimed('job');
  metrics.jobStarted();
  metrics.progressed({ stage: 'retrain', stepsPerSecond: 12.5, at });
  const during = await metrics.text();
  expect(during).toContain('trunkline_runner_busy 1');
  expect(during).toContain('trunkline_runner_steps_per_second 12.5');
  metrics.jobEnded('merge', 'handed-back', 42);
  metrics.heartbeatFailed();
  metrics.cacheUsed({ hits: 3, misses: 1, damaged: 0, evicted: 2 }, 1024);
  metrics.cacheUsed({ hits: 1, misses: 0, damaged: 0, evicted: 0 }, 512);
  const after = await metrics.text();
  for (const line of [
    'trunkline_runner_busy 0',
    'trunkline_runner_steps_per_second 0',
    'trunkline_runner_claims_total{result="nothing"} 1',
    'trunkline_runner_claims_total{result="job"} 1',
    'trunkline_runner_jobs_total{kind="merge",outcome="handed-back"} 1',
    'trunkline_runner_job_duration_seconds_bucket{le="60",kind="merge"} 1',
    'trunkline_runner_job_duration_seconds_bucket{le="10",kind="merge"} 0',
    'trunkline_runner_heartbeat_failures_total 1',
    'trunkline_runner_cache_bytes 512',
    'trunkline_runner_cache_events_total{event="hits"} 4',
    'trunkline_runner_cache_events_total{event="evicted"} 2',
  ])
    expect(after.split('\n')).toContain(line);
});

it('RunnerMetrics names every metric after the runner and explains it, in one process as in many', async () => {
  const [one, other] = [make(), make()];
  one.claimed('job');
  expect(await other.text()).not.toContain('trunkline_runner_claims_total{result="job"}');
  const lines = (await one.text()).split('\n').filter(Boolean);
  const names = new Set(
    lines.filter((line) => !line.startsWith('#')).map((line) => /^\w+/.exec(line)?.[0] ?? ''),
  );
  for (const name of names) expect(name).toMatch(/^trunkline_runner_/);
  for (const name of lines.flatMap((line) => /^# TYPE (\w+)/.exec(line)?.[1] ?? []))
    expect(lines.some((line) => line.startsWith(`# HELP ${name} `))).toBe(true);
});
