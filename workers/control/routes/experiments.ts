import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { TrunklineError } from '../../../shared/errors.ts';
import {
  decideRequest,
  experimentRequest,
  rollBackRequest,
  type EvaluationView,
  type ExperimentDetail,
  type ExperimentList,
  type ExperimentView,
} from '../../../shared/experiment-api.ts';
import type { ExperimentReport } from '../../../shared/experiment-report.ts';
import { name as nameSchema } from '../../../shared/manifest.ts';
import { viewOfExperiment } from '../../domain/commit-version.ts';
import { evaluateExperiment } from '../../domain/evaluate-experiment.ts';
import {
  archiveExperiment,
  decideExperiment,
  pauseExperiment,
  rollBackExperiment,
  startExperiment,
  type Moved,
} from '../../domain/move-experiment.ts';
import { reportExperiment } from '../../domain/report-experiment.ts';
import { saveExperiment } from '../../domain/save-experiment.ts';
import { findExperiment, listExperiments, listVersions } from '../../store/experiments.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { check, limitBody, numberCursor, readJson } from '../read-request.ts';
import { etagOf, revisionOf } from '../revision.ts';

/** Bytes; 16 arms of 64 tasks, a name and a digest each, take two thirds of it. */
const maxBodyBytes = 262_144;

/** What is of another project is as good as not there, but its name is taken. */
const onlyOwn: MiddlewareHandler<ControlEnv> = async (c, next) => {
  const name = c.req.param('name') ?? '';
  const row = await findExperiment(c.get('services').stores.db, name);
  if (row !== undefined && row.project !== c.get('caller').project) {
    if (c.req.method !== 'PUT') throw new TrunklineError('not-found', `There is no experiment "${name}".`);
    throw new TrunklineError(
      'conflict',
      `Cannot save experiment "${name}": the name is taken by another project.`,
    );
  }
  await next();
};

export const experimentRoutes = new Hono<ControlEnv>()
  .put('/:name', requireScope('write'), onlyOwn, limitBody(maxBodyBytes), async (c) => {
    const { experiment, from } = movedBy(c);
    const request = await readJson(c, experimentRequest);
    const change = { experiment, request, ...(from === undefined ? {} : { from }) };
    const saved = await saveExperiment(c.get('services').stores, change, c.get('change'));
    return shown(c, saved.experiment, saved.created ? 201 : 200);
  })
  .get('/', requireScope('read'), async (c) => {
    const { project } = c.get('caller');
    const { db } = c.get('services').stores;
    const { rows, next } = await listExperiments(db, project, c.req.query('cursor'));
    return c.json({ experiments: rows.map(viewOfExperiment), next } satisfies ExperimentList);
  })
  .get('/:name', requireScope('read'), onlyOwn, async (c) => {
    const { db } = c.get('services').stores;
    const name = c.req.param('name');
    const row = await findExperiment(db, name);
    if (row === undefined) throw new TrunklineError('not-found', `There is no experiment "${name}".`);
    const { rows, next } = await listVersions(db, name, numberCursor(c));
    const history = rows.map(({ version, state, step, reason, createdAt: at, createdBy: by }) => ({
      ...{ version, state, step, reason, at, by },
    }));
    const detail = { ...viewOfExperiment(row), history, next };
    return c.json(detail satisfies ExperimentDetail, 200, { ETag: etagOf(row.version) });
  })
  .get('/:name/report', requireScope('read'), onlyOwn, async (c) => {
    const { stores } = c.get('services');
    const report = await reportExperiment(stores, c.req.param('name'), c.get('change').at);
    return c.json(report satisfies ExperimentReport);
  })
  .post('/:name/start', requireScope('write'), onlyOwn, async (c) =>
    shown(c, await startExperiment(c.get('services').stores, movedBy(c), c.get('change'))),
  )
  .post('/:name/pause', requireScope('write'), onlyOwn, async (c) =>
    shown(c, await pauseExperiment(c.get('services').stores, movedBy(c), c.get('change'))),
  )
  .post('/:name/decide', requireScope('write'), onlyOwn, limitBody(maxBodyBytes), async (c) => {
    const { arm, reason } = await readJson(c, decideRequest);
    const verdict = { reason, by: 'person' } as const;
    const { stores } = c.get('services');
    return shown(c, await decideExperiment(stores, movedBy(c), arm, verdict, c.get('change')));
  })
  .post('/:name/roll-back', requireScope('write'), onlyOwn, limitBody(maxBodyBytes), async (c) => {
    const { reason } = await readJson(c, rollBackRequest);
    const verdict = { reason, by: 'person' } as const;
    return shown(c, await rollBackExperiment(c.get('services').stores, movedBy(c), verdict, c.get('change')));
  })
  .post('/:name/archive', requireScope('write'), onlyOwn, async (c) =>
    shown(c, await archiveExperiment(c.get('services').stores, movedBy(c), c.get('change'))),
  )
  // What the schedule does every minute, now.
  .post('/:name/evaluate', requireScope('write'), onlyOwn, async (c) => {
    const { stores } = c.get('services');
    const evaluated = await evaluateExperiment(stores, c.req.param('name'), c.get('change'));
    return c.json(evaluated satisfies EvaluationView);
  });

function movedBy(c: Context<ControlEnv>): Moved {
  const experiment = check(c, nameSchema, c.req.param('name'), 'the name');
  return { experiment, from: revisionOf(c.req.header('if-match')) ?? undefined };
}

const shown = (c: Context<ControlEnv>, view: ExperimentView, status: 200 | 201 = 200): Response =>
  c.json(view, status, { ETag: etagOf(view.version) });
