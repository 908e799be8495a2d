import { describe, expect, it } from 'vitest';
import { TrunklineClient } from '../../client/client.ts';
import type { EndpointDetail } from '../../shared/api.ts';
import {
  commonMistakes,
  comparedRows,
  leftOutRows,
  partBytes,
  planOf,
  servedBy,
  taskRows,
} from '../../workers/portal/src/pages/bundles/bundleView.ts';
import { publish, revisionBefore } from '../../workers/portal/src/pages/bundles/publish.ts';
import { feeds, placeBlocks, scaleOf } from '../../workers/portal/src/charts/placeBlocks.ts';
import { fakeService, json, refusal } from '../client/fakeService.ts';
import { manifest, report } from './workFixtures.ts';

const at = '2026-01-01T00:00:00.000Z';
const [one, other] = ['a'.repeat(64), 'b'.repeat(64)];
const revision = (number: number, tasks: Record<string, string>) => ({
  ...{ revision: number, tasks, createdAt: at, createdBy: 'me', publishedAt: at },
});
const endpoint = (
  number: number,
  tasks: Record<string, string>,
  history: EndpointDetail['history'] = [],
) => ({
  ...revision(number, tasks),
  ...{ name: 'shop', history, next: null },
});

describe('what a bundle page says', () => {
  it('compares only what was measured, with ratios', () => {
    const rows = comparedRows({
      figures: { bytes: { separate: 2000, zipped: 1000 }, iterations: { separate: 0, zipped: 5 } },
    });
    expect(rows.map(({ label, ratio }) => [label, ratio])).toEqual([
      ['Bytes stored', 0.5],
      ['Optimiser steps', null],
    ]);
  });

  it('compares a network that is as it was with nothing', () => {
    const same = (value: number) => ({ separate: value, zipped: value });
    expect(comparedRows({ figures: { bytes: same(2000), macs: same(3) } })).toEqual([]);
    expect(comparedRows({ figures: { bytes: same(2000), macs: { separate: 3, zipped: 2 } } })).toHaveLength(
      2,
    );
  });

  it('counts the trunk into each task, and each file to its part', () => {
    const { trunk, heads } = manifest;
    expect(taskRows(manifest).map(({ macs }) => macs)).toEqual(
      heads.map(({ macs }) => macs + (trunk?.macs ?? 0)),
    );
    const parts = partBytes(manifest);
    const weights = manifest.files.filter(({ path }) => !path.startsWith('report'));
    expect(parts.map(({ part }) => part)).toEqual(['trunk', 'head digit', 'head fashion']);
    expect(parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(
      weights.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    );
  });

  it('tells of a task without labels how many answers stayed, and what of the data was left out', () => {
    const agreement = { share: 0.97, samples: 200 };
    const first = [{ path: 'x[3]', reason: 'its value 0 is NaN' }];
    const tasks = [
      { task: 'digit', labels: [], leftOut: { count: 1, first } },
      { task: 'fashion', labels: [], agreement },
    ];
    expect(taskRows(manifest, { tasks }).map((row) => row.agreement)).toEqual([null, agreement]);
    expect(taskRows(manifest).map((row) => row.agreement)).toEqual([null, null]);
    expect(leftOutRows({ tasks })).toEqual([{ task: 'digit', path: 'x[3]', reason: 'its value 0 is NaN' }]);
  });

  it('draws what the manifest remembers where there is no report', () => {
    expect(planOf(manifest, report)).toBe(report.plan);
    const shared = {
      ...{ layer: 'conv1', widths: { digit: 3, fashion: 2 }, cost: 0.5, weights: { before: 1, after: 1 } },
      channels: [
        { digit: 0, fashion: 1 },
        { digit: 2, fashion: 0 },
      ],
      own: { digit: [1], fashion: [] },
    };
    expect(planOf({ ...manifest, sharing: [shared] }, null)).toMatchObject([
      {
        name: 'conv1',
        blocks: [
          { tasks: ['digit', 'fashion'], channels: 2 },
          { tasks: ['digit'], channels: 1 },
        ],
      },
    ]);
  });

  it('names the most common mistakes, with what they were before', () => {
    const after = [
      [9, 1],
      [3, 7],
    ];
    expect(
      commonMistakes(
        after,
        [
          [10, 0],
          [2, 8],
        ],
        ['cat', 'dog'],
        5,
      ),
    ).toEqual([
      { truth: 'dog', answer: 'cat', before: 2, after: 3 },
      { truth: 'cat', answer: 'dog', before: 0, after: 1 },
    ]);
    expect(commonMistakes(after, undefined, [], 1)).toEqual([
      { truth: '1', answer: '0', before: null, after: 3 },
    ]);
  });

  it('knows where it is served, by task', () => {
    const all = [endpoint(1, { digit: one, fashion: other }), endpoint(1, { digit: other })];
    expect(servedBy(all, one).map(({ tasks }) => tasks)).toEqual([['digit']]);
  });
});

describe('publish()', () => {
  it('leaves other tasks as they are, and takes itself back', async () => {
    const { asked, options } = fakeService([
      () => json(endpoint(3, { digit: other, fashion: other })),
      () => json({ ...revision(4, { digit: one, fashion: other }), name: 'shop' }),
      () => json({ ...revision(5, { digit: other, fashion: other }), name: 'shop' }),
    ]);
    const { undo } = await publish(new TrunklineClient(options), 'shop', one, ['digit']);
    await undo();
    const sent = asked
      .slice(1)
      .map(({ method, headers, body }) => [
        ...[method, headers.get('if-match')],
        (JSON.parse(new TextDecoder().decode(body)) as { tasks: object }).tasks,
      ]);
    expect(sent).toEqual([
      ['PUT', '"3"', { digit: one, fashion: other }],
      ['PUT', '"4"', { digit: other, fashion: other }],
    ]);
  });

  it('makes an endpoint that was not there, and removes it again', async () => {
    const { asked, options } = fakeService([
      () => refusal(404, 'not-found', 'There is no endpoint "shop".'),
      () => json({ ...revision(1, { digit: one }), name: 'shop' }, 201),
      () => new Response(null, { status: 204 }),
    ]);
    const { undo } = await publish(new TrunklineClient(options), 'shop', one, ['digit']);
    await undo();
    expect(asked.map(({ method, headers }) => [method, headers.get('if-match')])).toEqual([
      ['GET', null],
      ['PUT', '"0"'],
      ['DELETE', null],
    ]);
  });
});

describe('revisionBefore()', () => {
  it('is the newest that served something else', () => {
    const history = [
      revision(4, { digit: one }),
      revision(3, { digit: one }),
      revision(2, { digit: other }),
      revision(1, {}),
    ];
    expect(revisionBefore(endpoint(4, { digit: one }, history))?.revision).toBe(2);
    expect(revisionBefore(endpoint(1, { digit: one }, [revision(1, { digit: one })]))).toBeNull();
  });
});

describe('the drawing of trunk and heads', () => {
  const tasks = ['a', 'b'];
  const rows = [
    [{ tasks, channels: 10 }],
    [
      { tasks: ['b'], channels: 30 },
      { tasks, channels: 40 },
      { tasks: ['a'], channels: 30 },
    ],
  ];
  const strip = { left: 100, right: 600, gap: 4 };

  it('fits the widest row and keeps widths true to the channels', () => {
    const scale = scaleOf(rows, strip);
    const placed = rows.map((row) => placeBlocks(row, tasks, { ...strip, scale }));
    expect(placed[0]?.[0]?.width).toBeCloseTo((placed[1]?.[1]?.width ?? 0) / 4, 6);
    for (const row of placed)
      for (const [index, block] of row.entries()) {
        expect(block.x).toBeGreaterThanOrEqual(strip.left - 1e-6);
        expect(block.x + block.width).toBeLessThanOrEqual(strip.right + 1e-6);
        const next = row[index + 1];
        if (next) expect(next.x).toBeGreaterThan(block.x + block.width);
      }
    // What is shared lies between what is each task's own.
    expect(placed[1]?.map((block) => block.tasks.join())).toEqual(['a', 'a,b', 'b']);
  });

  it('joins one-way what all tasks of a block can read, crosswise what one of them can', () => {
    expect(feeds({ tasks }, { tasks: ['a'] }, 'one-way')).toBe(true);
    expect(feeds({ tasks: ['a'] }, { tasks }, 'one-way')).toBe(false);
    expect(feeds({ tasks: ['a'] }, { tasks }, 'crossed')).toBe(true);
  });
});
