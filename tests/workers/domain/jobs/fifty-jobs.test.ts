import { beforeAll, expect, test } from 'vitest';
import { completeJob } from '../../../../workers/domain/jobs/complete-job.ts';
import { claimJob } from '../../../../workers/domain/jobs/claim-job.ts';
import { listEvents, listJobs } from '../../../../workers/store/jobs.ts';
import type { Stores } from '../../../../workers/store/stores.ts';
import { by, freshStores } from '../../fixtures.ts';
import { askInspection, inspected, newProject, runnerOf } from '../../jobs.ts';

let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});

test('two runners at once do fifty jobs of two owners, each once, and no owner waits for the other', async () => {
  const place = await newProject(stores);
  const { project } = place;
  // Alice asks for all of hers before bob does.
  for (const owner of ['alice', 'bob']) {
    for (let i = 0; i < 25; i++) await askInspection(stores, place, { owner });
  }
  const claimed: { runner: string; job: string; owner: string }[] = [];
  const work = async (runner: string): Promise<void> => {
    for (;;) {
      const term = { at: by.at, leaseMs: 60_000 };
      const row = await claimJob(stores, project, { runner: runnerOf(runner), kinds: ['inspect'] }, term);
      if (row === null) return;
      claimed.push({ runner, job: row.id, owner: row.owner });
      const lease = { project, job: row.id, token: row.token };
      await completeJob(stores, lease, { inspection: inspected }, { maxManifestBytes: 1 }, by);
    }
  };
  await Promise.all([work('r1'), work('r2')]);

  expect(claimed).toHaveLength(50);
  expect(new Set(claimed.map(({ job }) => job)).size).toBe(50);
  expect(new Set(claimed.map(({ runner }) => runner)).size).toBe(2);
  for (let n = 2; n <= 50; n++) {
    const alices = claimed.slice(0, n).filter(({ owner }) => owner === 'alice').length;
    // Two are under way at any time, so an owner is never more than two ahead.
    expect(Math.abs(alices - (n - alices)), `after ${n}`).toBeLessThanOrEqual(2);
  }
  const { rows } = await listJobs(stores.db, project, {});
  for (const { id, state, token } of rows) {
    expect([state, token]).toEqual(['succeeded', 1]);
    const { rows: events } = await listEvents(stores.db, id);
    expect(events).toHaveLength(3);
  }
});
