import { beforeAll, beforeEach, expect, test } from 'vitest';
import { planRequest, type PlanResult } from '../../../../shared/jobs.ts';
import { askPlan } from '../../../../workers/domain/jobs/ask-plan.ts';
import { cancelJob } from '../../../../workers/domain/jobs/cancel-job.ts';
import { completeJob } from '../../../../workers/domain/jobs/complete-job.ts';
import { inputsOfJob } from '../../../../workers/domain/jobs/inputs-of-job.ts';
import { claimJob } from '../../../../workers/domain/jobs/claim-job.ts';
import { viewOfJob } from '../../../../workers/domain/jobs/view-of-job.ts';
import type { JobRow } from '../../../../workers/store/jobs.ts';
import type { Stores } from '../../../../workers/store/stores.ts';
import { listVersions } from '../../../../workers/store/versions.ts';
import { by, freshStores } from '../../fixtures.ts';
import { mergeOf, mergeProject, runnerOf } from '../../jobs.ts';

const tasks = ['digit', 'clothing'];
const limits = { maxManifestBytes: 1e6 };
const term = { at: by.at, leaseMs: 60_000 };

let stores: Stores;
let project: string;
beforeAll(async () => {
  stores = await freshStores();
});
beforeEach(async () => {
  project = await mergeProject(stores, tasks);
});

const ask = (sources = mergeOf(tasks).sources): Promise<JobRow> => {
  const request = planRequest.parse({ sources, recipe: mergeOf(tasks).recipe });
  return askPlan(stores, { project, owner: 'alice' }, request, { ...by, project });
};
const claim = async (): Promise<JobRow> => {
  const row = await claimJob(stores, project, { runner: runnerOf('r1'), kinds: ['plan'] }, term);
  if (row === null) throw new Error('there is no job');
  return row;
};
const leaseOf = ({ id, token }: JobRow) => ({ project, job: id, token });
const plan: PlanResult = {
  wiring: 'one-way',
  of: 'parameters',
  groups: [{ name: 'conv1', widths: { digit: 4, clothing: 4 }, reason: null }],
  separate: { parameters: 80, macs: 800 },
  curve: [
    { parameters: 40, macs: 400, loss: 0.5, shared: [4] },
    { parameters: 80, macs: 800, loss: 0, shared: [0] },
  ],
  notes: [],
};

test('a plan is asked for, leased with the inputs of a merge, and ends with its answer', async () => {
  const asked = await ask();
  expect(viewOfJob(asked)).toMatchObject({ kind: 'plan', state: 'queued', result: null });
  const row = await claim();
  expect(await inputsOfJob(stores, row)).toMatchObject({
    kind: 'plan',
    sources: [{ task: 'digit', model: { name: 'digit-net', version: 1 } }, { task: 'clothing' }],
  });
  const done = await completeJob(stores, leaseOf(row), { plan }, limits, { ...by, project });
  expect(viewOfJob(done)).toMatchObject({ state: 'succeeded', result: plan });
  // Said again it is the same, and nothing was registered for it.
  expect(await completeJob(stores, leaseOf(row), { plan }, limits, { ...by, project })).toEqual(done);
  const key = { project, kind: 'bundles', name: 'pair' } as const;
  expect((await listVersions(stores.db, key)).rows).toEqual([]);
});

test('a plan is refused like a merge: tasks twice, versions that are not there', async () => {
  const [one] = mergeOf(tasks).sources;
  if (one === undefined) throw new Error('there are no sources');
  await expect(ask([one, one])).rejects.toMatchObject({
    code: 'unprocessable',
    message: 'Cannot plan this merge: two sources are of task "digit".',
  });
  await expect(
    ask([{ ...one, model: 'nobody' }, one].map((each, i) => ({ ...each, task: `t${i}` }))),
  ).rejects.toMatchObject({ code: 'not-found', message: 'There is no model "nobody".' });
});

test('the result of another kind is refused, and that of a cancelled plan too', async () => {
  await ask();
  const row = await claim();
  await expect(
    completeJob(stores, leaseOf(row), { bundle: 'a'.repeat(64) }, limits, { ...by, project }),
  ).rejects.toMatchObject({
    code: 'unprocessable',
    message: `Cannot complete job ${row.id}: it is to plan, the result is that of a merge.`,
  });
  await cancelJob(stores, project, row.id, { ...by, project });
  await expect(completeJob(stores, leaseOf(row), { plan }, limits, { ...by, project })).rejects.toMatchObject(
    { code: 'conflict' },
  );
});
