import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { createdKey } from '../../../shared/api.ts';
import { sha256Hex } from '../../../shared/digest.ts';
import { generateKey, scopes, type Scope } from '../../../shared/keys.ts';
import { setEndpoint } from '../../../workers/domain/set-endpoint.ts';
import { saveExperiment } from '../../../workers/domain/save-experiment.ts';
import { noteRunner } from '../../../workers/store/runners.ts';
import { addTraffic } from '../../../workers/store/traffic.ts';
import type { Operation } from '../../../workers/control/openapi/operation.ts';
import { publishArms, requestOf } from '../experiments.ts';
import { by, bytesOf, freshStores, tinyModel } from '../fixtures.ts';
import { messageOf, minuteOf } from '../../shared/traffic.ts';
import { runnerOf } from '../jobs.ts';
import { bootstrap, call, makeKey } from './client.ts';
import { operations } from './routes-of.ts';

// Made from the table of routes, which is held against what is mounted: a route that is new is asked here by itself.

const model = tinyModel('matrix');
const digest = await sha256Hex(model);
const document = {
  format: 'trunkline.model/1',
  files: [{ path: 'net.onnx', sha256: digest, sizeBytes: model.length }],
  labels: [],
};

/** Something of the default project for every address that varies. */
let things: Record<string, string>;
const keys = new Map<Scope, string>();
let everything: string;
let foreign: string;
let ended: { revoked: string; expired: string };

beforeAll(async () => {
  const stores = await freshStores();
  for (const scope of scopes) keys.set(scope, (await makeKey(scope)).key);
  everything = (await makeKey(...scopes)).key;
  ended = { revoked: await endedKey('revoked'), expired: await endedKey('expired') };
  const response = await call('POST', '/v1/keys', {
    key: bootstrap,
    json: { name: 'foreign', project: 'shop', scopes },
  });
  foreign = createdKey.parse(await response.json()).key;

  const ask = async (method: string, path: string, json?: unknown): Promise<Record<string, unknown>> => {
    const reply = await call(method, path, { key: everything, ...(json === undefined ? {} : { json }) });
    expect(reply.status, `${method} ${path}`).toBeLessThan(300);
    return reply.json();
  };
  await call('PUT', `/v1/blobs/${digest}`, { key: everything, body: model });
  await ask('POST', '/v1/models/secret-thing/versions', document);
  await ask('PUT', '/v1/models/secret-thing/aliases/champion', { version: 1 });
  const { jobs } = (await ask('GET', '/v1/jobs')) as { jobs: { id: string }[] };
  const upload = await ask('POST', '/v1/uploads', {
    sha256: await sha256Hex(bytesOf('not yet there')),
    sizeBytes: 13,
  });
  const arms = await publishArms(stores, 'secret-thing');
  await setEndpoint(stores, { endpoint: 'secret-thing', tasks: arms.separate }, by);
  await saveExperiment(stores, { experiment: 'secret-thing', request: requestOf('secret-thing', arms) }, by);
  await addTraffic(stores.db, messageOf({ endpoint: 'secret-thing', at: minuteOf(new Date()) }), by.at);
  await stores.db.batch([
    noteRunner(stores.db, {
      ...{ project: 'default', kinds: ['merge' as const], at: by.at },
      runner: runnerOf('secret-thing'),
    }),
  ]);
  const { id } = await makeKey('read');
  things = {
    ...{ name: 'secret-thing', ref: '1', alias: 'champion', sha256: digest, part: '1' },
    ...{ job: jobs[0]?.id ?? '', upload: String(upload['id']), key: id },
  };
});

/** The route's address, of the default project's things. */
function addressOf({ path }: Operation): string {
  const id = path.includes('/jobs/') ? 'job' : path.includes('/uploads/') ? 'upload' : 'key';
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => things[name === 'id' ? id : name] ?? 'missing');
}
const statusOf = async (operation: Operation, key?: string): Promise<number> => {
  const response = await call(
    operation.method.toUpperCase(),
    addressOf(operation),
    key === undefined ? {} : { key },
  );
  await response.body?.cancel();
  return response.status;
};

async function endedKey(how: 'revoked' | 'expired'): Promise<string> {
  const { id, key } = await makeKey(...scopes);
  if (how === 'revoked') await call('DELETE', `/v1/keys/${id}`, { key: bootstrap });
  else
    await env.DB.prepare(`UPDATE api_keys SET expires_at = '2020-01-01T00:00:00.000Z' WHERE id = ?`)
      .bind(id)
      .run();
  return key;
}

test('every route but those that say who we are needs a scope', () => {
  const open = operations.filter((one) => one.scopes.length === 0).map(({ path }) => path);
  expect(open).toEqual(['/health', '/openapi.json', '/docs']);
});

describe('a key of another project with every scope', () => {
  const varying = operations.filter(({ path, scopes: needed }) => needed.length > 0 && path.includes('{'));
  /** What makes a thing of its own, whatever others have: a version of a name, a blob of content that it has in hand. */
  const makes = ({ method, path }: Operation): boolean =>
    path.endsWith('/versions') ? method === 'post' : path.startsWith('/v1/blobs/') && method === 'put';

  test.each(
    varying
      .filter((one) => !makes(one))
      .map((one) => [`${one.method.toUpperCase()} ${one.path}`, one] as const),
  )('%s of a thing that is not its own finds nothing, or the name taken', async (_, operation) => {
    const before = await dumpOf('default');
    const request = { key: foreign, ...bodyFor(operation) };
    const response = await call(operation.method.toUpperCase(), addressOf(operation), request);
    const taken = operation.method === 'put' && /^\/v1\/(endpoints|experiments)\//.test(operation.path);
    expect(response.status, await response.text()).toBe(taken ? 409 : 404);
    expect(await dumpOf('default')).toEqual(before);
  });

  test('lists nothing of the others', async () => {
    const lists = operations.filter(({ method, path }) => method === 'get' && /^\/v1\/[^{]*$/.test(path));
    expect(lists.length).toBeGreaterThan(7);
    for (const { path } of lists) {
      const text = await (await call('GET', path, { key: foreign })).text();
      for (const hidden of Object.values(things))
        if (hidden.length > 1) expect(text, path).not.toContain(hidden);
    }
  });

  test('may use a name that another project has for something of its own', async () => {
    const before = await dumpOf('default');
    await call('PUT', `/v1/blobs/${digest}`, { key: foreign, body: model });
    const made = await call('POST', '/v1/models/secret-thing/versions', { key: foreign, json: document });
    expect(made.status).toBe(201);
    expect(await dumpOf('default')).toEqual(before);
  });
});

describe.each(operations.map((one) => [`${one.method.toUpperCase()} ${one.path}`, one] as const))(
  '%s',
  (_, operation) => {
    const isOpen = operation.scopes.length === 0;

    test(isOpen ? 'answers anybody' : 'refuses whoever has no valid key', async () => {
      const invalid = {
        none: undefined,
        malformed: 'password',
        unknown: generateKey().key,
        revoked: ended.revoked,
        expired: ended.expired,
      };
      for (const [kind, key] of Object.entries(invalid)) {
        expect(await statusOf(operation, key), kind).toBe(isOpen ? 200 : 401);
      }
    });

    test('lets each of its scopes pass, and no other', async () => {
      for (const [scope, key] of keys) {
        // A changed thing may be gone for the next scope: what counts is that the key is not what stands in the way.
        const status = await statusOf(operation, key);
        if (isOpen || operation.scopes.includes(scope)) expect([401, 403, 429], scope).not.toContain(status);
        else expect(status, scope).toBe(403);
      }
    });
  },
);

/** A body that is right, so that only whose thing it is can stand in the way. */
function bodyFor({ body }: Operation): { json?: unknown; body?: Uint8Array<ArrayBuffer> } {
  switch (body) {
    case undefined:
      return {};
    case 'bytes':
      return { body: model };
    case 'SetEndpointRequest':
      return { json: { tasks: { digit: 'a'.repeat(64) } } };
    case 'HeartbeatRequest':
      return { json: { token: 1 } };
    case 'CheckpointRequest':
      return { json: { token: 1, sha256: digest, sizeBytes: model.length, step: 1 } };
    case 'CompleteRequest':
      return { json: { token: 1, result: { bundle: digest } } };
    case 'FailRequest':
      return { json: { token: 1, reason: 'no', retryable: true } };
    case 'SetAliasRequest':
      return { json: { version: 1 } };
    case 'SetTagsRequest':
      return { json: { tags: {} } };
    case 'SetCardRequest':
      return { json: { card: '' } };
    case 'DecideRequest':
      return { json: { arm: 'separate', reason: 'mine' } };
    case 'RollBackRequest':
      return { json: { reason: 'mine' } };
    case 'ExperimentRequest':
      return { json: {} };
    default:
      throw new Error(`no body for ${body}`);
  }
}

/** All that D1 holds of a project. */
async function dumpOf(project: string): Promise<unknown> {
  const tables = [
    'items',
    'versions',
    'aliases',
    'blob_owners',
    'uploads',
    'endpoint_revisions',
    'experiment_versions',
    'traffic',
    'runners',
    'jobs',
    'api_keys',
    'audit',
  ];
  const rows = await env.DB.batch(
    tables.map((table) => env.DB.prepare(`SELECT * FROM ${table} WHERE project = ?`).bind(project)),
  );
  return rows.map(({ results }) => results);
}
