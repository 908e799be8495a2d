import type { z } from 'zod';
import { callControl, type ControlAccess } from '../../../gpu-runner/runner/controlClient.ts';
import { fetchReport } from '../../../gpu-runner/runner/fetchReport.ts';
import { endpointView, type EndpointView } from '../../../shared/api.ts';
import {
  evaluationView,
  experimentView,
  outcomesReply,
  type EvaluationView,
  type experimentRequest,
  type Outcome,
} from '../../../shared/experiment-api.ts';
import type { ExperimentReport } from '../../../shared/experiment-report.ts';

/** Outcomes in one request at most. */
const bulk = 1000;

/** The control API's experiments and outcomes, each with a key that may do no more. */
export class ExperimentClient {
  private readonly experimenter: ControlAccess;
  private readonly judge: ControlAccess;

  /**
   * @param experimenter scopes read and write
   * @param judge scope outcome
   */
  constructor(experimenter: ControlAccess, judge: ControlAccess) {
    this.experimenter = experimenter;
    this.judge = judge;
  }

  /** Makes an experiment and starts it. */
  async start(name: string, request: z.input<typeof experimentRequest>): Promise<void> {
    await call(this.experimenter, 'PUT', `/v1/experiments/${name}`, request);
    experimentView.parse(await call(this.experimenter, 'POST', `/v1/experiments/${name}/start`));
  }

  /** What the schedule does every minute in production: judge the experiment, do what the rule says. */
  async evaluate(name: string): Promise<EvaluationView> {
    return evaluationView.parse(await call(this.experimenter, 'POST', `/v1/experiments/${name}/evaluate`));
  }

  report(name: string): Promise<ExperimentReport> {
    return fetchReport(name, this.experimenter);
  }

  /** @throws {Error} when an outcome contradicts one that was told before */
  async tell(outcomes: readonly Outcome[]): Promise<void> {
    for (let from = 0; from < outcomes.length; from += bulk) {
      const body = { outcomes: outcomes.slice(from, from + bulk) };
      const reply = outcomesReply.parse(await call(this.judge, 'POST', '/v1/outcomes', body));
      if (reply.contradicted.length > 0)
        throw new Error(`Cannot tell outcomes: ${reply.contradicted.length} contradict earlier ones`);
    }
  }

  async endpoint(name: string): Promise<EndpointView> {
    return endpointView.parse(await call(this.experimenter, 'GET', `/v1/endpoints/${name}`));
  }
}

async function call(
  access: ControlAccess,
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: object,
): Promise<unknown> {
  const sent = body && { body: JSON.stringify(body), contentType: 'application/json' };
  return (await callControl(access, { method, path, ...sent })).json();
}
