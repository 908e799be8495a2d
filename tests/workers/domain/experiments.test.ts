import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { ExperimentRequest } from '../../../shared/experiment-api.ts';
import type { Change } from '../../../workers/domain/change.ts';
import {
  advanceExperiment,
  archiveExperiment,
  decideExperiment,
  pauseExperiment,
  rollBackExperiment,
  startExperiment,
} from '../../../workers/domain/move-experiment.ts';
import { publishEndpoint } from '../../../workers/domain/publish-endpoint.ts';
import { saveExperiment } from '../../../workers/domain/save-experiment.ts';
import { setEndpoint } from '../../../workers/domain/set-endpoint.ts';
import { listAudit } from '../../../workers/store/audit.ts';
import { findEndpoint } from '../../../workers/store/endpoints.ts';
import {
  listExperiments,
  listRunning,
  listUnpublished,
  listVersions,
} from '../../../workers/store/experiments.ts';
import { readRouting } from '../../../workers/store/published.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { publishArms, requestOf } from '../experiments.ts';
import { broken, by, freshStores, image, publish } from '../fixtures.ts';

let stores: Stores;
let arms: Awaited<ReturnType<typeof publishArms>>;
beforeAll(async () => {
  stores = await freshStores();
  arms = await publishArms(stores, 'vision');
});

const at = (minute: number): Change => ({
  ...by,
  at: new Date(Date.parse(by.at) + minute * 60_000).toISOString(),
});
/** `toMatchObject()` takes a bare pattern for an object without fields, which everything matches. */
const saying = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const why = { reason: 'we looked', by: 'person' } as const;

/** An experiment of its own endpoint, so that tests do not meet. */
async function draft(experiment: string, change: Partial<ExperimentRequest> = {}) {
  const endpoint = change.endpoint ?? experiment;
  await setEndpoint(stores, { endpoint, tasks: arms.separate }, by);
  const request = requestOf(endpoint, arms, change);
  await saveExperiment(stores, { experiment, request }, by);
  return request;
}
const routed = async (endpoint: string) => (await readRouting(stores.kv, endpoint))?.experiments;

describe('saveExperiment()', () => {
  test('makes a draft that the edge hears nothing of', async () => {
    await draft('fresh', { coverage: undefined });
    const { rows } = await listExperiments(stores.db, 'default');
    const document = rows.find((row) => row.experiment === 'fresh')?.document;
    // Without a coverage it begins at the first step of its ramp.
    expect(document).toMatchObject({ state: 'draft', version: 1, revision: 1, coverage: 0.1, phases: [] });
    expect(await routed('fresh')).toEqual([]);
  });

  test('makes no version of what is there already', async () => {
    const request = await draft('same');
    const again = await saveExperiment(stores, { experiment: 'same', request }, at(1));
    expect(again).toMatchObject({ created: false, experiment: { version: 1, changedAt: by.at } });
  });

  test('refuses an edit that was made from another version', async () => {
    const request = await draft('raced');
    const change = { experiment: 'raced', request: { ...request, coverage: 0.5 }, from: 1 };
    await saveExperiment(stores, change, by);
    await expect(saveExperiment(stores, change, by)).rejects.toMatchObject({
      code: 'conflict',
      message: 'Cannot change experiment "raced": it is at version 2, the change was made from 1.',
    });
    await expect(saveExperiment(stores, { ...change, from: 0 }, by)).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('lets one of two edits at the same time through', async () => {
    const request = await draft('at-once');
    const edits = [0.5, 1].map((coverage) =>
      saveExperiment(
        stores,
        { experiment: 'at-once', request: { ...request, coverage: coverage - 0.1 } },
        by,
      ),
    );
    const states = (await Promise.allSettled(edits)).map((one) => one.status).sort();
    const versions = (await listVersions(stores.db, 'at-once')).rows.length;
    expect(versions).toBe(1 + states.filter((state) => state === 'fulfilled').length);
  });

  test('refuses an experiment that contradicts itself', async () => {
    const request = requestOf('vision', arms, { margins: { digit: 0.05 } });
    await expect(saveExperiment(stores, { experiment: 'odd', request }, by)).rejects.toMatchObject({
      code: 'unprocessable',
      message: 'Cannot create experiment "odd": task "clothing" has no margin.',
    });
  });

  test('a wider coverage of a running experiment begins a phase and moves nobody', async () => {
    const request = await draft('wider', { coverage: 0.1 });
    await startExperiment(stores, { experiment: 'wider' }, at(1));
    const edit = { experiment: 'wider', request: { ...request, coverage: 0.5 } };
    const { experiment } = await saveExperiment(stores, edit, at(2));
    expect(experiment).toMatchObject({ revision: 1, version: 3 });
    expect(experiment.phases).toMatchObject([
      { coverage: 0.1, startedAt: at(1).at, endedAt: at(2).at },
      { coverage: 0.5, startedAt: at(2).at, endedAt: null },
    ]);
    expect(await routed('wider')).toMatchObject([
      { experiment: 'wider', coverage: 0.5, revision: 1, phase: 2 },
    ]);
  });

  test('other weights draw the units anew, in one write', async () => {
    const request = await draft('weights');
    await startExperiment(stores, { experiment: 'weights' }, at(1));
    const [first, second] = request.arms;
    if (!first || !second) throw new Error('two arms are needed');
    const weighted = [
      { ...first, weight: 9000 },
      { ...second, weight: 1000 },
    ];
    await saveExperiment(stores, { experiment: 'weights', request: { ...request, arms: weighted } }, at(2));
    expect(await routed('weights')).toMatchObject([
      { revision: 2, phase: 2, arms: [{ weight: 9000 }, { weight: 1000 }] },
    ]);
  });

  test('refuses another question once the first numbers were seen', async () => {
    const request = await draft('question');
    await startExperiment(stores, { experiment: 'question' }, at(1));
    for (const change of [
      { margins: { digit: 0.2, clothing: 0.05 } },
      { alpha: 0.1 },
      { plannedUnits: 200 },
    ]) {
      const edit = { experiment: 'question', request: { ...request, ...change } };
      await expect(saveExperiment(stores, edit, at(2))).rejects.toMatchObject({
        code: 'unprocessable',
        message: saying(/margins, alpha and planned units are fixed/),
      });
    }
    const shadowed = { ...request, shadow: { share: 0.1, arm: 'merged' } };
    const { experiment } = await saveExperiment(stores, { experiment: 'question', request: shadowed }, at(2));
    expect(experiment).toMatchObject({ revision: 1, phases: [{ endedAt: null }] });
    expect(await routed('question')).toMatchObject([{ shadow: { share: 0.1 } }]);
  });

  test('refuses an edit that cannot be served, and keeps what runs', async () => {
    const request = await draft('unservable');
    await startExperiment(stores, { experiment: 'unservable' }, at(1));
    const gone = { digit: 'f'.repeat(64), clothing: 'f'.repeat(64) };
    const broken = request.arms.map((arm) => (arm.name === 'merged' ? { ...arm, tasks: gone } : arm));
    const edit = { experiment: 'unservable', request: { ...request, arms: broken } };
    await expect(saveExperiment(stores, edit, at(2))).rejects.toMatchObject({
      code: 'conflict',
      message: saying(/arm "merged" cannot be served: bundle f{64} of task "digit" is not published/),
    });
    expect(await routed('unservable')).toMatchObject([{ revision: 1 }]);
  });

  test('refuses to edit what is over, or to move it to another endpoint', async () => {
    const request = await draft('over');
    const moved = { experiment: 'over', request: { ...request, endpoint: 'vision' } };
    await expect(saveExperiment(stores, moved, by)).rejects.toMatchObject({ code: 'unprocessable' });
    await archiveExperiment(stores, { experiment: 'over' }, at(1));
    const edit = { experiment: 'over', request };
    await expect(saveExperiment(stores, edit, by)).rejects.toMatchObject({
      code: 'conflict',
      message: 'Cannot edit experiment "over": it is archived.',
    });
  });
});

describe('startExperiment()', () => {
  test('begins phase 1 and tells the edge', async () => {
    await draft('begun');
    const view = await startExperiment(stores, { experiment: 'begun' }, at(1));
    expect(view).toMatchObject({ state: 'running', version: 2, publishedAt: at(1).at });
    expect(view.phases).toEqual([
      {
        revision: 1,
        weights: { separate: 5000, merged: 5000 },
        coverage: 1,
        startedAt: at(1).at,
        endedAt: null,
      },
    ]);
    expect(await routed('begun')).toMatchObject([{ experiment: 'begun', revision: 1, phase: 1 }]);
    expect(await listRunning(stores.db)).toContain('begun');
    expect((await listAudit(stores.db)).rows[0]).toMatchObject({
      action: 'experiment.start',
      subject: 'begun',
    });
  });

  test('refuses when the endpoint serves other bundles than the default arm', async () => {
    await draft('elsewhere');
    await setEndpoint(stores, { endpoint: 'elsewhere', tasks: arms.merged }, at(1));
    await expect(startExperiment(stores, { experiment: 'elsewhere' }, at(2))).rejects.toMatchObject({
      code: 'conflict',
      message: saying(/endpoint "elsewhere" serves other bundles at revision 2 than default arm "separate"/),
    });
  });

  test('refuses arms that read other inputs', async () => {
    const input = { ...image, dims: [-1, 3, 32, 32] };
    const other = await publish(stores, ['digit', 'clothing'], { name: 'colour', input });
    const { arms: usual } = requestOf('colour', arms);
    const colour = usual.map((arm) =>
      arm.name === 'merged' ? { ...arm, tasks: { digit: other, clothing: other } } : arm,
    );
    await draft('colour', { arms: colour });
    await expect(startExperiment(stores, { experiment: 'colour' }, at(1))).rejects.toMatchObject({
      code: 'conflict',
      message: saying(/arm "merged" cannot be served: input "image" is/),
    });
  });

  test('lets two experiments run side by side only on disjoint slots of a layer', async () => {
    const layer = (start: number, end: number) => ({ layer: { name: 'page', start, end } });
    await draft('left', { endpoint: 'shared', ...layer(0, 5000) });
    await draft('right', { endpoint: 'shared', ...layer(5000, 10_000) });
    await draft('middle', { endpoint: 'shared', ...layer(4000, 6000) });
    await draft('alone', { endpoint: 'shared' });
    await draft('by-cookie', {
      endpoint: 'shared',
      ...layer(5000, 10_000),
      unit: { from: 'cookie', name: 'u' },
    });
    const start = (experiment: string) => startExperiment(stores, { experiment }, at(1));
    await start('left');
    await expect(start('middle')).rejects.toMatchObject({
      message: saying(/both own slots 4000 to 4999 of layer "page"/),
    });
    await expect(start('alone')).rejects.toMatchObject({
      message: saying(/both must own slots of one layer/),
    });
    await expect(start('by-cookie')).rejects.toMatchObject({
      message: saying(/the unit from the same place/),
    });
    await start('right');
    expect((await routed('shared'))?.map((one) => one.experiment)).toEqual(['left', 'right']);
  });

  test('an experiment that is not there cannot be moved', async () => {
    await expect(startExperiment(stores, { experiment: 'nobody' }, by)).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('the life of an experiment', () => {
  test('paused, the endpoint serves all; resumed, the same units go on in a new phase', async () => {
    await draft('paused');
    await startExperiment(stores, { experiment: 'paused' }, at(1));
    await pauseExperiment(stores, { experiment: 'paused' }, at(2));
    expect(await routed('paused')).toEqual([]);
    const view = await startExperiment(stores, { experiment: 'paused' }, at(3));
    expect(view.phases.map((phase) => [phase.revision, phase.endedAt])).toEqual([
      [1, at(2).at],
      [1, null],
    ]);
    const { rows } = await listVersions(stores.db, 'paused');
    expect(rows.map((row) => row.step)).toEqual(['resume', 'pause', 'start', 'create']);
  });

  test('the endpoint cannot be changed under a running or paused experiment', async () => {
    await draft('held');
    await startExperiment(stores, { experiment: 'held' }, at(1));
    const set = () => setEndpoint(stores, { endpoint: 'held', tasks: arms.merged }, at(2));
    await expect(set()).rejects.toMatchObject({
      code: 'conflict',
      message: saying(/experiment "held" is running on it/),
    });
    await pauseExperiment(stores, { experiment: 'held' }, at(3));
    await expect(set()).rejects.toMatchObject({ message: saying(/experiment "held" is paused on it/) });
    await rollBackExperiment(stores, { experiment: 'held' }, why, at(4));
    expect((await set()).endpoint.revision).toBe(2);
  });

  test('the decided arm becomes the routing of the endpoint in one write', async () => {
    await draft('won');
    await startExperiment(stores, { experiment: 'won' }, at(1));
    const puts = vi.spyOn(stores.kv, 'put');
    const view = await decideExperiment(stores, { experiment: 'won', from: 2 }, 'merged', why, at(2));
    expect(puts).toHaveBeenCalledTimes(1);
    puts.mockRestore();
    expect(view).toMatchObject({ state: 'decided', decision: { arm: 'merged', ...why, at: at(2).at } });
    const { digit, clothing } = arms.merged;
    expect(await readRouting(stores.kv, 'won')).toEqual({
      endpoint: 'won',
      project: 'default',
      revision: 2,
      tasks: { digit: { bundle: digit }, clothing: { bundle: clothing } },
      experiments: [],
    });
    const { rows } = await listAudit(stores.db);
    expect(rows.slice(0, 2).map((row) => row.action)).toEqual(['endpoint.set', 'experiment.decide']);
    expect(rows[1]?.detail).toMatchObject({ arm: 'merged', reason: 'we looked' });
  });

  test('decided for the default arm, the endpoint gets no new revision', async () => {
    await draft('kept');
    await startExperiment(stores, { experiment: 'kept' }, at(1));
    await decideExperiment(stores, { experiment: 'kept' }, 'separate', why, at(2));
    expect(await readRouting(stores.kv, 'kept')).toMatchObject({ revision: 1, experiments: [] });
  });

  test('a decision needs an arm of the experiment', async () => {
    await draft('which');
    await startExperiment(stores, { experiment: 'which' }, at(1));
    await expect(
      decideExperiment(stores, { experiment: 'which' }, 'third', why, at(2)),
    ).rejects.toMatchObject({
      code: 'unprocessable',
      message: saying(/the decision names "third", which is not an arm/),
    });
    expect(await routed('which')).toHaveLength(1);
  });

  test('what the table of transitions does not allow is refused', async () => {
    await draft('strict');
    const moved = { experiment: 'strict' };
    const refused = {
      code: 'conflict',
      message: saying(/^Cannot [a-z-]+ experiment "strict": it is /),
    };
    await expect(pauseExperiment(stores, moved, by)).rejects.toMatchObject(refused);
    await expect(decideExperiment(stores, moved, 'merged', why, by)).rejects.toMatchObject(refused);
    await expect(rollBackExperiment(stores, moved, why, by)).rejects.toMatchObject(refused);
    await expect(advanceExperiment(stores, moved, 0.5, 'ready', by)).rejects.toMatchObject(refused);
    await startExperiment(stores, moved, at(1));
    await expect(startExperiment(stores, moved, at(2))).rejects.toMatchObject(refused);
    await expect(archiveExperiment(stores, moved, at(2))).rejects.toMatchObject(refused);
    await rollBackExperiment(stores, moved, why, at(3));
    await expect(startExperiment(stores, moved, at(4))).rejects.toMatchObject(refused);
    await archiveExperiment(stores, moved, at(5));
    await expect(decideExperiment(stores, moved, 'merged', why, at(6))).rejects.toMatchObject(refused);
  });

  test('a move from another version than is there is refused', async () => {
    await draft('versioned');
    await expect(startExperiment(stores, { experiment: 'versioned', from: 3 }, by)).rejects.toMatchObject({
      code: 'conflict',
      message: saying(/it is at version 1, the change was made from 3/),
    });
  });

  test('two decisions at the same time leave one, and the routing is its', async () => {
    await draft('two');
    await startExperiment(stores, { experiment: 'two' }, at(1));
    const decided = await Promise.allSettled(
      ['merged', 'separate'].map((arm) => decideExperiment(stores, { experiment: 'two' }, arm, why, at(2))),
    );
    const winners = decided.flatMap((one) => (one.status === 'fulfilled' ? [one.value.decision?.arm] : []));
    expect(winners).toHaveLength(1);
    const tasks = (await findEndpoint(stores.db, 'two'))?.tasks;
    expect(tasks).toEqual(winners[0] === 'merged' ? arms.merged : arms.separate);
    expect((await readRouting(stores.kv, 'two'))?.tasks.digit?.bundle).toBe(tasks?.digit);
  });
});

describe('when the platform fails', () => {
  test('a change that did not reach the edge stands, is told as unpublished, and can be published later', async () => {
    await draft('outage');
    const log = vi.spyOn(console, 'error').mockReturnValue();
    const down = { ...stores, kv: broken(stores.kv, 'put') };
    const view = await startExperiment(down, { experiment: 'outage' }, at(1));
    log.mockRestore();
    expect(view).toMatchObject({ state: 'running', publishedAt: null });
    expect(await routed('outage')).toEqual([]);
    expect(await listUnpublished(stores.db)).toEqual(['outage']);
    await publishEndpoint(stores, 'outage', at(2).at);
    expect(await routed('outage')).toHaveLength(1);
    expect(await listUnpublished(stores.db)).toEqual([]);
  });

  test('a decision whose rows cannot be written changes nothing at all', async () => {
    await draft('no-rows');
    await startExperiment(stores, { experiment: 'no-rows' }, at(1));
    const down = { ...stores, db: broken(stores.db, 'batch') };
    await expect(decideExperiment(down, { experiment: 'no-rows' }, 'merged', why, at(2))).rejects.toThrow();
    expect((await listVersions(stores.db, 'no-rows')).rows[0]?.state).toBe('running');
    expect((await findEndpoint(stores.db, 'no-rows'))?.revision).toBe(1);
    expect(await routed('no-rows')).toHaveLength(1);
  });
});
