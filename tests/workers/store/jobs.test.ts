import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { isFinal, jobStates, jobTransitions, type JobState } from '../../../shared/jobs.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { by, freshStores } from '../fixtures.ts';
import { askInspection, newProject } from '../jobs.ts';

let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});

/** What a row needs beside its state for that state to be true. */
const fitting: Record<JobState, string> = {
  queued: `lease_expires_at = NULL`,
  leased: `lease_expires_at = '2026-01-01', token = token + 1`,
  succeeded: `lease_expires_at = NULL, finished_at = '2026-01-01', result = '{}'`,
  failed: `lease_expires_at = NULL, finished_at = '2026-01-01', reason = 'no'`,
  cancelled: `lease_expires_at = NULL, finished_at = '2026-01-01'`,
};
const update = (id: string, set: string): Promise<unknown> =>
  env.DB.prepare(`UPDATE jobs SET ${set} WHERE id = ?`).bind(id).run();
const move = (id: string, to: JobState): Promise<unknown> => update(id, `state = '${to}', ${fitting[to]}`);

/** A job in that state, brought there by allowed steps. */
async function jobIn(state: JobState): Promise<string> {
  const id = await askInspection(stores, await newProject(stores));
  if (state !== 'queued') await move(id, 'leased');
  if (state !== 'queued' && state !== 'leased') await move(id, state);
  return id;
}

describe('the database itself', () => {
  test('lets a job go only where the table of transitions lets it', async () => {
    for (const from of jobStates) {
      for (const to of jobStates) {
        if (from === to) continue;
        const id = await jobIn(from);
        const allowed = jobTransitions[from].includes(to);
        const done = await move(id, to).then(
          () => true,
          () => false,
        );
        expect(done, `${from} to ${to}`).toBe(allowed);
      }
    }
  });

  test('keeps what has ended as it ended', async () => {
    for (const state of jobStates.filter(isFinal)) {
      const id = await jobIn(state);
      for (const set of [`reason = 'other'`, `result = '{"a": 1}'`, `owner = 'eve'`, `token = token + 1`]) {
        await expect(update(id, set), `${state}: ${set}`).rejects.toThrow(/the job is final/);
      }
    }
  });

  test('never gives a token out twice, nor takes one back', async () => {
    const id = await jobIn('queued');
    const leased = `lease_expires_at = '2026-01-01'`;
    await expect(update(id, `state = 'leased', ${leased}`)).rejects.toThrow(/the token of a job only grows/);
    await move(id, 'leased');
    await expect(update(id, 'token = 0')).rejects.toThrow(/the token of a job only grows/);
    await move(id, 'queued');
    await expect(update(id, `state = 'leased', ${leased}`)).rejects.toThrow(/the token of a job only grows/);
  });

  test('holds that a state is what it says', async () => {
    const wrong: [JobState, string][] = [
      ['queued', `state = 'leased', token = 1`],
      ['leased', `state = 'succeeded', lease_expires_at = NULL, finished_at = '2026-01-01'`],
      ['leased', `state = 'failed', lease_expires_at = NULL, finished_at = '2026-01-01'`],
      ['leased', `state = 'queued'`],
      ['queued', `state = 'lost'`],
      ['queued', `state = NULL`],
      ['queued', `priority = 10`],
      ['queued', `finished_at = '2026-01-01'`],
    ];
    for (const [state, set] of wrong) {
      await expect(update(await jobIn(state), set), set).rejects.toThrow(
        /constraint failed|a queued job can only/,
      );
    }
  });

  test('begins a job queued', async () => {
    const insert = env.DB.prepare(
      `INSERT INTO jobs (id, project, owner, kind, priority, state, token, request, pinned, not_before, created_at, changed_at, lease_expires_at)
       VALUES ('x', 'p', 'o', 'merge', 0, 'leased', 1, '{}', '{}', ?1, ?1, ?1, ?1)`,
    );
    await expect(insert.bind(by.at).run()).rejects.toThrow(/a job begins queued/);
  });
});
