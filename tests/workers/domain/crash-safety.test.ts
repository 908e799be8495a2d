import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { sha256Hex } from '../../../shared/digest.ts';
import { TrunklineError } from '../../../shared/errors.ts';
import { manifest as manifestSchema } from '../../../shared/manifest.ts';
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
import { dyingAt, failing, storesThrough } from '../faulty-stores.ts';
import { bytesOf, freshStores, manifestOf, tinyModel } from '../fixtures.ts';

const limits = { partBytes: 16, uploadHours: 24 };
const endpoint = 'vision';

let stores: Stores;
/** A clock of its own, that only goes on: nothing here takes long enough for the real one. */
let seconds = 0;
const now = () => ({ actor: 'tester', at: new Date(Date.UTC(2026, 0, 1) + 1000 * seconds++).toISOString() });
/** Longer than an upload waits for its next part. */
const aDay = 25 * 3600;
const wait = (time = 3600): void => {
  seconds += time;
};

beforeAll(async () => {
  stores = await freshStores();
});

/** Sends a file in parts, and only those that are missing. */
async function upload(to: Stores, content: Uint8Array<ArrayBuffer>): Promise<string> {
  const sha256 = await sha256Hex(content);
  const { upload: open } = await openUpload(to, { sha256, sizeBytes: content.length }, limits, now());
  if (open.state === 'stored') return sha256;
  for (let part = 1; part <= open.parts; part++) {
    if (open.received.includes(part)) continue;
    const bytes = content.slice((part - 1) * open.partBytes, part * open.partBytes);
    const incoming = { upload: open.id, part, sizeBytes: bytes.length, body: new Response(bytes).body };
    await receivePart(to, incoming, limits, now());
  }
  await commitUpload(to, open.id, { trusted: false, limits }, now());
  return sha256;
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
      await collect(stores);
      expect(await keys()).toEqual(await referenced());
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
      return void (await collect(to));
    case 'publish':
      return void (await release(to, `pool-${what.name}`));
    case 'register': {
      const content = tinyModel(`pool-${what.name}`);
      const file = { path: 'net.onnx', sha256: await upload(to, content), sizeBytes: content.length };
      const document = { format: 'trunkline.model/1' as const, files: [file], labels: [] };
      return void (await registerVersion(to, { kind: 'models', name: what.name, document }, now()));
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
      return void (await removeVersion(to, { project: 'default', kind, name, version: row.version }, now()));
    }
    default:
      what satisfies never;
  }
}

test('whatever is done while one call in ten fails, what is referred to is there, and a collection leaves nothing else', async () => {
  const history = fc.record({ steps: fc.array(step, { minLength: 3, maxLength: 12 }), seed: fc.nat() });
  await fc.assert(
    fc.asyncProperty(history, async ({ steps, seed }) => {
      let state = seed;
      const draw = (): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
      };
      const faulty = storesThrough(failing(0.1, draw));
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

test('a collection in the middle of anything takes nothing that is referred to', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(step, { minLength: 2, maxLength: 3 }),
      async (scheduler, steps) => {
        // Every call of the storage waits for its turn, and the turns come in any order.
        const taken: Promise<void>[] = [...steps, { do: 'collect' as const }].map((one) =>
          take(
            storesThrough(async (what, call) => {
              await scheduler.schedule(Promise.resolve(), what);
              return call();
            }),
            one,
          ).catch((error: unknown) => {
            if (!(error instanceof TrunklineError)) throw error;
          }),
        );
        await scheduler.waitFor(Promise.all(taken));
        await expectWhole();
        await served();
        wait();
      },
    ),
    { numRuns: 12 },
  );
  wait(aDay);
  await collect(stores);
  expect(await keys()).toEqual(await referenced());
});
