/**
 * Whether the registry answers right under more load than it can serve: reads and writes sent at a fixed rate, whatever
 * comes back.
 *
 *   node bench/registryLoad.ts [--rate 1000] [--seconds 10] [--keys 10] [--models 20] [--json FILE]
 *
 * Requests go over at most 256 connections: what finds none free waits at the client, and its wait counts.
 *
 * Limit: every request is served or refused with 429 or 503, and nothing that is served is wrong. A read must show tags
 * that were sent to this model, a write what it wrote; when all is quiet again, each model has tags of a write that was
 * acknowledged or never answered, and writes work as before.
 */
import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { cpus, loadavg } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { TrunklineClient } from '../client/client.ts';
import { makeKey } from '../examples/demo/makeKey.ts';
import { lenet } from '../examples/lenet.ts';
import { writeModel } from '../gpu-runner/onnx/write.ts';
import { quantile } from '../examples/demo/quantile.ts';
import { Random } from '../gpu-runner/engine/random.ts';
import { startPlatform } from '../scripts/platform.ts';
import { generateKey } from '../shared/keys.ts';
import { itemView } from '../shared/registry.ts';
import { sha256Hex } from '../shared/digest.ts';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    keys: { type: 'string', default: '10' },
    models: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
});
const [rate, seconds, keyCount, modelCount] = [values.rate, values.seconds, values.keys, values.models].map(
  Number,
) as [number, number, number, number];

/** What one model was sent and what was acknowledged. */
interface Model {
  readonly name: string;
  readonly sent: Set<string>;
  readonly acknowledged: Set<string>;
  /** Sent and never answered, or refused by a broken connection: may have been written. */
  readonly unknown: Set<string>;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const counts = { reads: 0, writes: 0, served: 0, status429: 0, status503: 0, other: 0, unanswered: 0 };
const wrong: string[] = [];
const latencies: number[] = [];

const adminKey = generateKey().key;
const platform = await startPlatform({ adminKey });
try {
  const makeOne = (index: number) =>
    makeKey(platform.controlUrl, adminKey, `load ${index}`, ['read', 'write']);
  const keys: string[] = [];
  for (let index = 0; index < keyCount; index += 1) keys.push(await makeOne(index));
  const models = await registerModels(keys[0] ?? '');
  const random = new Random(1);
  const open: Promise<void>[] = [];
  const startedAt = performance.now();
  const total = rate * seconds;
  for (let index = 0; index < total; index += 1) {
    const due = startedAt + (1000 * index) / rate;
    if (due > performance.now() + 1) await setTimeout(due - performance.now());
    const model = models[random.integer(models.length)];
    const key = keys[random.integer(keys.length)];
    if (!model || key === undefined) throw new Error('Cannot send: there is nothing to send to');
    open.push(random.integer(2) === 0 ? read(model, key) : write(model, key, `w${index}`));
  }
  const sentIn = (performance.now() - startedAt) / 1000;
  await Promise.all(open);
  const answeredIn = (performance.now() - startedAt) / 1000;
  // The counters of 429 begin anew after ten seconds.
  await setTimeout(11_000);
  await checkQuiet(models, keys[0] ?? '');
  await report(total, sentIn, answeredIn);
} finally {
  await platform.stop();
}

async function registerModels(key: string): Promise<Model[]> {
  const client = new TrunklineClient({ url: platform.controlUrl, key });
  const bytes = new Uint8Array(writeModel(lenet('load', 2, 1, { conv1: 1, conv2: 1, dense: 2 })));
  const sha256 = await sha256Hex(bytes);
  await client.uploads.send({ sha256, sizeBytes: bytes.length, read: () => Promise.resolve(bytes) });
  const models: Model[] = [];
  for (let index = 0; index < modelCount; index += 1) {
    const name = `model-${index}`;
    const document = {
      format: 'trunkline.model/1' as const,
      files: [{ path: `${name}.onnx`, sha256, sizeBytes: bytes.length }],
      labels: [],
    };
    await client.models.register(name, document);
    models.push({ name, sent: new Set(), acknowledged: new Set(), unknown: new Set() });
  }
  return models;
}

async function ask(
  method: 'GET' | 'PUT',
  path: string,
  key: string,
  body?: unknown,
): Promise<{ status: number; body: unknown } | null> {
  const startedAt = performance.now();
  try {
    const { status, answer } = await send(method, path, key, body);
    latencies.push(performance.now() - startedAt);
    if (status === 429) counts.status429 += 1;
    else if (status === 503) counts.status503 += 1;
    else if (status < 300) counts.served += 1;
    else {
      counts.other += 1;
      wrong.push(`${method} ${path} answered ${status}: ${answer.slice(0, 200)}`);
    }
    return { status, body: status < 300 ? JSON.parse(answer) : null };
  } catch {
    counts.unanswered += 1;
    return null;
  }
}

function send(
  method: string,
  path: string,
  key: string,
  body: unknown,
): Promise<{ status: number; answer: string }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const sent = request(new URL(path, platform.controlUrl), { method, headers, agent }, (response) => {
      let answer = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (answer += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, answer }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function tagOf(body: unknown): string | undefined {
  return itemView.parse(body).tags.load;
}

async function read(model: Model, key: string): Promise<void> {
  counts.reads += 1;
  const answer = await ask('GET', `/v1/models/${model.name}`, key);
  if (answer?.status !== 200) return;
  const tag = tagOf(answer.body);
  if (tag !== undefined && !model.sent.has(tag))
    wrong.push(`${model.name} shows "${tag}", which was never sent to it`);
  const { name } = itemView.parse(answer.body);
  if (name !== model.name) wrong.push(`${model.name} was asked for and ${name} came`);
}

async function write(model: Model, key: string, tag: string): Promise<void> {
  counts.writes += 1;
  model.sent.add(tag);
  const answer = await ask('PUT', `/v1/models/${model.name}/tags`, key, { tags: { load: tag } });
  if (answer === null) model.unknown.add(tag);
  else if (answer.status === 200) {
    model.acknowledged.add(tag);
    if (!model.sent.has(tagOf(answer.body) ?? ''))
      wrong.push(`${model.name} answered a write with tags never sent`);
  } else if (answer.status >= 500) model.unknown.add(tag);
}

/** With nothing else going on: what is there was written, and writing works. */
async function checkQuiet(models: readonly Model[], key: string): Promise<void> {
  const client = new TrunklineClient({ url: platform.controlUrl, key });
  for (const model of models) {
    const tag = (await client.models.get(model.name)).tags.load;
    const known =
      tag === undefined
        ? model.acknowledged.size === 0
        : model.acknowledged.has(tag) || model.unknown.has(tag);
    if (!known) wrong.push(`${model.name} ended with "${tag ?? 'no tag'}", whose write was refused`);
    await client.models.setTags(model.name, { load: 'quiet' });
    if ((await client.models.get(model.name)).tags.load !== 'quiet')
      wrong.push(`${model.name} did not take a write`);
  }
}

async function report(total: number, sentIn: number, answeredIn: number): Promise<void> {
  const result = {
    command: `node bench/registryLoad.ts --rate ${rate} --seconds ${seconds} --keys ${keyCount} --models ${modelCount}`,
    date: new Date().toISOString(),
    machine: `${cpus().length} cores, load ${loadavg()[0]?.toFixed(1) ?? ''}`,
    ...{ total, ratePerSecond: Math.round(total / sentIn), answeredInSeconds: Number(answeredIn.toFixed(1)) },
    ...counts,
    latencyMs: { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) },
    wrong: wrong.length,
  };
  console.log(JSON.stringify(result, null, 2));
  for (const sentence of wrong.slice(0, 10)) console.error(sentence);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (wrong.length > 0) process.exitCode = 1;
}
