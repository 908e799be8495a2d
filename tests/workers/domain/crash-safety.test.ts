import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { sha256Hex } from '../../../shared/digest.ts';
import { TrunklineError } from '../../../shared/errors.ts';
import { manifest as manifestSchema } from '../../../shared/manifest.ts';
import type { Change } from '../../../workers/domain/change.ts';
import { collectGarbage } from '../../../workers/domain/collect-garbage.ts';
import { publishBundle } from '../../../workers/domain/publish-bundle.ts';
import { registerVersion } from '../../../workers/domain/registry/register-version.ts';
import { removeVersion } from '../../../workers/domain/registry/delete-version.ts';
import { setEndpoint } from '../../../workers/domain/set-endpoint.ts';
import { commitUpload } from '../../../workers/domain/uploads/commit-upload.ts';
import { openUpload } from '../../../workers/domain/uploads/open-upload.ts';
import { receivePart } from '../../../workers/domain/uploads/receive-part.ts';
import { readRouting } from '../../../workers/store/published.ts';
import { sql } from 'drizzle-orm';
import type { Stores } from '../../../workers/store/stores.ts';
import { drawFrom, dyingAt, failing, inTurns, storesThrough, type Around } from '../faulty-stores.ts';
import { bytesOf, freshStores, manifestOf, tinyModel } from '../fixtures.ts';

const limits = { partBytes: 16, putBytes: 1e9, uploadHours: 24 };
const endpoint = 'vision';

let stores: Stores;
/** A clock of its own, that only goes on: ahead of the bucket's, so that what is there is old enough to be collected. */
const start = Date.now() + 3_600_000;
let seconds = 0;
const now = () => ({ actor: 'tester', at: new Date(start + 1000 * seconds++).toISOString() });
/** Longer than an upload waits for its next part. */
const aDay = 25 * 3600;
const wait = (time = 3600): void => {
  seconds += time;
};

beforeAll(async () => {
  stores = await freshStores();
});

/** Sends the parts of a file that are missing; answers the upload, or null when the whole is there. */
async function sendParts(
  to: Stores,
  content: Uint8Array<ArrayBuffer>,
  by: Change = now(),
): Promise<string | null> {
  const file = { sha256: await sha256Hex(content), sizeBytes: content.length };
  const { upload } = await openUpload(to, file, limits, by);
  if (upload.state === 'stored') return null;
  for (let part = 1; part <= upload.parts; part++) {
    if (upload.received.includes(part)) continue;
    const bytes = content.slice((part - 1) * upload.partBytes, part * upload.partBytes);
    const incoming = { upload: upload.id, part, sizeBytes: bytes.length, body: new Response(bytes).body };
    await receivePart(to, incoming, limits, by);
  }
  return upload.id;
}

async function upload(to: Stores, content: Uint8Array<ArrayBuffer>): Promise<string> {
  const id = await sendParts(to, content);
  if (id !== null) await commitUpload(to, id, { trusted: false, limits }, now());
  return sha256Hex(content);
}

/** The whole way of a bundle of one task: its file, its manifest, the endpoint's pointer. */
async function release(to: Stores, name: string): Promise<string> {
  const content = tinyModel(name);
  await upload(to, content);
  const document = await manifestOf(['digit'], { name });
  const sha256 = await sha256Hex(content);
  document.files = [{ path: 'digit.onnx', sha256, sizeBytes: content.length }];
  const { bundle } = await publishBundle(to, bytesOf(JSON.stringify(document)), now());
  await setEndpoint(to, { endpoint, tasks: { digit: bundle.id } }, now());
  return bundle.id;
}

async function collect(by: Stores, graceHours = 0): Promise<number> {
  let deleted = 0;
  let cursor: string | undefined;
  do {
    const asked = { dryRun: false, graceHours, project: undefined, cursor };
    const reply = await collectGarbage(by, asked, now());
    deleted += reply.deleted.length;
    cursor = reply.next ?? undefined;
  } while (cursor !== undefined);
  return deleted;
}

/** Has a collection note all that is there, without deleting anything. */
async function adoptAll(): Promise<void> {
  let cursor: string | undefined;
  do {
    const asked = { dryRun: true, graceHours: 0, project: undefined, cursor };
    cursor = (await collectGarbage(stores, asked, now())).next ?? undefined;
  } while (cursor !== undefined);
}

/** All keys in the bucket. */
async function keys(): Promise<string[]> {
  const { objects } = await env.BUNDLES.list();
  return objects.map(({ key }) => key).sort();
}

/** All keys that something in the database refers to: what must be there, and after a collection nothing else. */
async function referenced(): Promise<string[]> {
  const rows = await stores.db.all<{ key: string }>(sql`
    SELECT 'blobs/' || sha256 AS key FROM version_files UNION SELECT 'blobs/' || sha256 FROM bundle_files
    UNION SELECT 'blobs/' || sha256 FROM blob_uses UNION SELECT 'manifests/' || id || '.json' FROM bundles`);
  return rows.map(({ key }) => key).sort();
}

async function expectWhole(): Promise<void> {
  const there = new Set(await keys());
  expect((await referenced()).filter((key) => !there.has(key))).toEqual([]);
}

/** What the edge would find: every byte of what the endpoint serves. */
async function served(): Promise<string | undefined> {
  const routing = await readRouting(env.ROUTING, endpoint);
  const id = routing?.tasks['digit']?.bundle;
  if (id === undefined) return undefined;
  const object = await env.BUNDLES.get(`manifests/${id}.json`);
  const text = (await object?.text()) ?? '';
  expect(await sha256Hex(text)).toBe(id);
  for (const { sha256, sizeBytes } of manifestSchema.parse(JSON.parse(text)).files) {
    expect((await env.BUNDLES.head(`blobs/${sha256}`))?.size).toBe(sizeBytes);
  }
  return id;
}

beforeEach(() => wait());

test.each([true, false])(
  'a process that dies at any call (made: %s) leaves the old or the new version served, and nothing behind',
  async (isMade) => {
    let before = await release(stores, `start-${isMade}`);
    let lived = false;
    let calls = 0;
    for (let at = 1; !lived; at++) {
      const name = `step-${isMade}-${at}`;
      const dying = dyingAt(at, isMade);
      const process = storesThrough(dying.around);
      let told: string | undefined;
      try {
        told = await release(process, name);
      } catch {
        // Whatever it says: it is dead.
      }
      lived = dying.calls() < at;
      const after = await served();
      if (lived) expect(after).toBe(told);
      await expectWhole();
      // Half of the time the leftovers are collected before somebody tries again, half of the time after.
      if (at % 2 === 0) {
        wait(aDay);
        await collect(stores);
        expect(await keys()).toEqual(await referenced());
        wait();
      }
      const again = await release(stores, name);
      expect(await served()).toBe(again);
      expect([before, again]).toContain(after);
      if (at % 2 === 1 || lived) {
        await collect(stores);
        expect(await keys()).toEqual(await referenced());
      }
      before = again;
      wait();
      calls = dying.calls();
    }
    // It has died at every one of its calls.
    expect(calls).toBeGreaterThan(20);
  },
);

const pool = ['a', 'b', 'c'];
type Step = { do: 'register' | 'publish' | 'retract' | 'remove'; name: string } | { do: 'collect' };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom('register' as const, 'publish' as const, 'retract' as const, 'remove' as const),
    name: fc.constantFrom(...pool),
  }),
  fc.constant({ do: 'collect' as const }),
);

/** One step of somebody's work. What is refused or fails is part of life here. */
async function take(to: Stores, what: Step): Promise<void> {
  switch (what.do) {
    case 'collect':
      await collect(to);
      return;
    case 'publish':
      await release(to, `pool-${what.name}`);
      return;
    case 'register': {
      const content = tinyModel(`pool-${what.name}`);
      const file = { path: 'net.onnx', sha256: await upload(to, content), sizeBytes: content.length };
      const document = { format: 'trunkline.model/1' as const, files: [file], labels: [] };
      await registerVersion(to, { kind: 'models', name: what.name, document }, now());
      return;
    }
    case 'retract':
    case 'remove': {
      const kind = what.do === 'remove' ? 'models' : 'bundles';
      const name = what.do === 'remove' ? what.name : `pool-${what.name}`;
      const [row] = await stores.db.all<{ version: number }>(
        sql`SELECT max(version) AS version FROM versions WHERE kind = ${kind} AND name = ${name}`,
      );
      // Runners that are done with it.
      await stores.db.run(sql`DELETE FROM version_uses`);
      if (row?.version == null) return;
      await removeVersion(to, { project: 'default', kind, name, version: row.version }, now());
      return;
    }
    default:
      return what satisfies never;
  }
}

test('whatever is done while one call in ten fails, what is referred to is there, and a collection leaves nothing else', async () => {
  const history = fc.record({ steps: fc.array(step, { minLength: 3, maxLength: 12 }), seed: fc.nat() });
  await fc.assert(
    fc.asyncProperty(history, async ({ steps, seed }) => {
      const faulty = storesThrough(failing(0.1, drawFrom(seed)));
      for (const one of steps) {
        await take(faulty, one).catch((error: unknown) => {
          if (!(error instanceof Error)) throw error;
        });
        await expectWhole();
        await served();
        wait();
      }
      wait(aDay);
      await collect(stores);
      expect(await keys()).toEqual(await referenced());
    }),
    { numRuns: 12 },
  );
});

/** Refusals are part of life. */
async function refusable(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof TrunklineError)) throw error;
  }
}

/** Does all at the same time, the calls of the storage in any order. */
async function atOnce(seed: number, steps: readonly Step[]): Promise<void> {
  const processes = steps.map((one) => (around: Around) => refusable(take(storesThrough(around), one)));
  await inTurns(drawFrom(seed), processes);
  await expectWhole();
  await served();
  wait();
}

test('a collection in the middle of anything takes nothing that is referred to', async () => {
  const steps = fc.array(step, { minLength: 2, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.nat(), steps, (seed, some) => atOnce(seed, [...some, { do: 'collect' }])),
    { numRuns: 10 },
  );
  wait(aDay);
  await collect(stores);
  expect(await keys()).toEqual(await referenced());
});

test('leftovers that are sent again while they are collected are there afterwards, or refused', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 2 }), async (seed, senders) => {
      // A process died after it wrote the content, and before it said so; a collection has found it.
      const content = tinyModel(`left-${run++}`);
      const sha256 = await sha256Hex(content);
      await env.BUNDLES.put(`blobs/${sha256}`, content);
      await adoptAll();
      // Then others send it again, and are about to commit.
      const files = [{ path: 'net.onnx', sha256, sizeBytes: content.length }];
      const document = { format: 'trunkline.model/1' as const, files, labels: [] };
      const commits = await Promise.all(
        Array.from({ length: senders }, async (_, i) => {
          const by = { ...now(), project: `sender-${i}` };
          const id = await sendParts(stores, content, by);
          return async (to: Stores): Promise<void> => {
            if (id !== null)
              await commitUpload(to, id, { trusted: false, limits }, { ...now(), project: by.project });
            await registerVersion(
              to,
              { kind: 'models', name: 'left', document },
              { ...now(), project: by.project },
            );
          };
        }),
      );
      const sweep = async (to: Stores): Promise<void> => {
        const asked = { dryRun: false, graceHours: 0, project: undefined, cursor: 'blobs:' };
        for (let i = 0; i < 2; i++) await collectGarbage(to, asked, now());
      };
      await inTurns(
        drawFrom(seed),
        [...commits, sweep].map((work) => (around: Around) => refusable(work(storesThrough(around)))),
      );
      await expectWhole();
      wait();
    }),
    { numRuns: 25 },
  );
});
