import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Progress } from '../../shared/jobs.ts';
import type { CacheCounts } from './storage/blobCache.ts';

/** How a job can end for a runner. */
export const outcomes = ['succeeded', 'failed', 'handed-back', 'cancelled', 'lost'] as const;
export type Outcome = (typeof outcomes)[number];

/** What a runner counts, in the text format of Prometheus. */
export class RunnerMetrics {
  readonly #registry = new Registry();
  readonly #registers = [this.#registry];
  readonly #claims = new Counter({
    name: 'trunkline_runner_claims_total',
    help: 'Times this runner asked for a job, by what it got.',
    labelNames: ['result'],
    registers: this.#registers,
  });
  readonly #jobs = new Counter({
    name: 'trunkline_runner_jobs_total',
    help: 'Attempts of jobs that are over, by kind and how they ended.',
    labelNames: ['kind', 'outcome'],
    registers: this.#registers,
  });
  readonly #seconds = new Histogram({
    name: 'trunkline_runner_job_duration_seconds',
    help: 'How long attempts took, by kind.',
    labelNames: ['kind'],
    buckets: [0.1, 1, 10, 60, 300, 1800, 3600, 4 * 3600, 12 * 3600],
    registers: this.#registers,
  });
  readonly #busy = new Gauge({
    name: 'trunkline_runner_busy',
    help: '1 while a job is worked on.',
    registers: this.#registers,
  });
  readonly #stepRate = new Gauge({
    name: 'trunkline_runner_steps_per_second',
    help: 'Optimiser steps a second of the retraining that is on; 0 otherwise.',
    registers: this.#registers,
  });
  readonly #heartbeatFailures = new Counter({
    name: 'trunkline_runner_heartbeat_failures_total',
    help: 'Heartbeats that did not reach the control Worker.',
    registers: this.#registers,
  });
  readonly #cacheBytes = new Gauge({
    name: 'trunkline_runner_cache_bytes',
    help: 'Bytes of blobs in the local cache after the last job.',
    registers: this.#registers,
  });
  readonly #cache = new Counter({
    name: 'trunkline_runner_cache_events_total',
    help: 'Blobs asked of the local cache (hits, misses), found damaged, and evicted.',
    labelNames: ['event'],
    registers: this.#registers,
  });

  constructor(identity: { readonly name: string; readonly version: string; readonly provider: string }) {
    new Gauge({
      name: 'trunkline_runner_info',
      help: 'Always 1; says who this is.',
      labelNames: ['name', 'version', 'provider'],
      registers: this.#registers,
    }).set(identity, 1);
    collectDefaultMetrics({ register: this.#registry, prefix: 'trunkline_runner_' });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  claimed(result: 'job' | 'nothing' | 'trouble'): void {
    this.#claims.inc({ result });
  }

  jobStarted(): void {
    this.#busy.set(1);
  }

  jobEnded(kind: string, outcome: Outcome, seconds: number): void {
    this.#busy.set(0);
    this.#stepRate.set(0);
    this.#jobs.inc({ kind, outcome });
    this.#seconds.observe({ kind }, seconds);
  }

  progressed({ stage, stepsPerSecond }: Progress): void {
    this.#stepRate.set(stage === 'retrain' ? (stepsPerSecond ?? 0) : 0);
  }

  heartbeatFailed(): void {
    this.#heartbeatFailures.inc();
  }

  cacheUsed(counts: CacheCounts, usedBytes: number): void {
    this.#cacheBytes.set(usedBytes);
    for (const event of ['hits', 'misses', 'damaged', 'evicted'] as const)
      this.#cache.inc({ event }, counts[event]);
  }
}
