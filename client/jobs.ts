import {
  jobList,
  jobLog,
  jobView,
  mergeJobView,
  planJobView,
  runnerList,
  type JobEvent,
  type JobListQuery,
  type JobView,
  type MergeRequestInput,
  type PlanRequestInput,
  type RunnerView,
} from '../shared/jobs.ts';
import type { z } from 'zod';
import { jobEvents } from './events.ts';
import type { HttpClient } from './http.ts';
import { allPages } from './pages.ts';

export type MergeJob = z.infer<typeof mergeJobView>;
export type PlanJob = z.infer<typeof planJobView>;

/** Merges asked for, and every job's way. */
export class Jobs {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /** @param idempotencyKey the same key again answers the same job, so the request may be repeated */
  merge(request: MergeRequestInput, idempotencyKey: string = crypto.randomUUID()): Promise<MergeJob> {
    return this.#http.read(mergeJobView, {
      method: 'POST',
      path: ['v1', 'merges'],
      json: request,
      headers: { 'idempotency-key': idempotencyKey },
      repeatable: true,
    });
  }

  /** What a merge would share, and what that is predicted to cost; the result is the job's. */
  plan(request: PlanRequestInput): Promise<PlanJob> {
    return this.#http.read(planJobView, { method: 'POST', path: ['v1', 'plans'], json: request });
  }

  /** Newest first. */
  list(query: JobListQuery = {}): AsyncGenerator<JobView, void, void> {
    return allPages(async (cursor: number | null) => {
      const { jobs, next } = await this.#http.read(jobList, {
        method: 'GET',
        path: ['v1', 'jobs'],
        query: { ...query, cursor },
      });
      return { rows: jobs, next };
    });
  }

  /** Who asked for work lately, by name. */
  runners(): AsyncGenerator<RunnerView, void, void> {
    return allPages(async (cursor: string | null) => {
      const path = ['v1', 'runners'];
      const { runners, next } = await this.#http.read(runnerList, { method: 'GET', path, query: { cursor } });
      return { rows: runners, next };
    });
  }

  get(id: string): Promise<JobView> {
    return this.#http.read(jobView, { method: 'GET', path: ['v1', 'jobs', id] });
  }

  /** A queued job is cancelled at once, a leased one when its runner hears of it. */
  cancel(id: string): Promise<JobView> {
    return this.#http.read(jobView, {
      method: 'POST',
      path: ['v1', 'jobs', id, 'cancel'],
      repeatable: true,
    });
  }

  /** A new job that does the same as one that failed or was cancelled. */
  retry(id: string): Promise<JobView> {
    return this.#http.read(jobView, { method: 'POST', path: ['v1', 'jobs', id, 'retry'] });
  }

  /** What happened so far, oldest first. */
  log(id: string): AsyncGenerator<JobEvent, void, void> {
    return allPages(async (cursor: number | null) => {
      const path = ['v1', 'jobs', id, 'log'];
      const { events, next } = await this.#http.read(jobLog, { method: 'GET', path, query: { cursor } });
      return { rows: events, next };
    });
  }

  /** What happens, live, until the job is over: see `jobEvents()`. */
  events(
    id: string,
    options: { after?: number; signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<JobEvent, void, void> {
    return jobEvents(this.#http, id, options);
  }
}
