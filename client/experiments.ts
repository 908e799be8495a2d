import {
  evaluationView,
  experimentDetail,
  experimentList,
  experimentView,
  outcomesReply,
  type EvaluationView,
  type ExperimentDetail,
  type ExperimentView,
  type Outcome,
  type OutcomesReply,
} from '../shared/experiment-api.ts';
import { experimentReport, type ExperimentReport } from '../shared/experiment-report.ts';
import type { experimentRequest } from '../shared/experiment-api.ts';
import type { z } from 'zod';
import type { HttpClient } from './http.ts';
import { allPages } from './pages.ts';

/** An experiment as a person writes it, defaults left out. */
export type ExperimentRequestInput = z.input<typeof experimentRequest>;

/**
 * Comparisons of bundles on an endpoint's own traffic. `from` is the version a change is made to: another one that came
 * between is a refusal.
 */
export class ExperimentsApi {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  list(): AsyncGenerator<ExperimentView, void, void> {
    return allPages(async (cursor: string | null) => {
      const { experiments, next } = await this.#http.read(experimentList, {
        method: 'GET',
        path: ['v1', 'experiments'],
        query: { cursor },
      });
      return { rows: experiments, next };
    });
  }

  /** With the newest page of its history. */
  get(name: string): Promise<ExperimentDetail> {
    return this.#http.read(experimentDetail, { method: 'GET', path: ['v1', 'experiments', name] });
  }

  /** How it stands: the verdict, the tables, the curve over time. */
  report(name: string): Promise<ExperimentReport> {
    return this.#http.read(experimentReport, { method: 'GET', path: ['v1', 'experiments', name, 'report'] });
  }

  /** A draft, or an edit of one that is not over. @param from 0: only if there is none */
  save(name: string, request: ExperimentRequestInput, from?: number): Promise<ExperimentView> {
    return this.#http.read(experimentView, {
      method: 'PUT',
      path: ['v1', 'experiments', name],
      json: request,
      ...made(from),
    });
  }

  start(name: string, from?: number): Promise<ExperimentView> {
    return this.#move(name, 'start', from);
  }

  pause(name: string, from?: number): Promise<ExperimentView> {
    return this.#move(name, 'pause', from);
  }

  /** The endpoint serves the arm from now on. */
  decide(name: string, arm: string, reason: string, from?: number): Promise<ExperimentView> {
    return this.#move(name, 'decide', from, { arm, reason });
  }

  /** The endpoint serves the default arm again. */
  rollBack(name: string, reason: string, from?: number): Promise<ExperimentView> {
    return this.#move(name, 'roll-back', from, { reason });
  }

  archive(name: string, from?: number): Promise<ExperimentView> {
    return this.#move(name, 'archive', from);
  }

  /** Has the rule look now, as it does every minute, and follows it. */
  evaluate(name: string): Promise<EvaluationView> {
    return this.#http.read(evaluationView, {
      method: 'POST',
      path: ['v1', 'experiments', name, 'evaluate'],
      repeatable: true,
    });
  }

  /** What came of requests or units; the same again is harmless. The scope outcome is needed. */
  outcomes(outcomes: readonly Outcome[]): Promise<OutcomesReply> {
    return this.#http.read(outcomesReply, {
      method: 'POST',
      path: ['v1', 'outcomes'],
      json: { outcomes },
      repeatable: true,
    });
  }

  #move(name: string, step: string, from?: number, body?: object): Promise<ExperimentView> {
    return this.#http.read(experimentView, {
      method: 'POST',
      path: ['v1', 'experiments', name, step],
      ...(body && { json: body }),
      ...made(from),
    });
  }
}

/** A repetition of a change that named the old version and was heard would be refused. */
const made = (from: number | undefined) =>
  from === undefined ? {} : { headers: { 'if-match': `"${from}"` }, repeatable: false };
