/**
 * What an experiment costs the requests of its endpoint: the assignment, and shadow runs of another arm.
 *
 *   node bench/assignment.ts [--units 20000] [--blocks 8] [--requests 15] [--batch 8] [--json FILE]
 *
 * Assignment is timed here, in the same JavaScript engine as in a Worker. Replies are timed at the client of the edge
 * Worker in workerd, one request at a time, in blocks that alternate between two endpoints of ResNet-20, one of which
 * runs a share of the requests once more as their shadow. A block's exposures are awaited before the next begins.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { packModel } from '../gpu-runner/bundle/export.ts';
import { Random } from '../gpu-runner/engine/random.ts';
import { writeModel } from '../gpu-runner/onnx/write.ts';
import { routedExperiment, type RoutedExperiment } from '../shared/routing.ts';
import { EdgeWorker } from '../tests/flows/edge-worker.ts';
import { placeRequest } from '../workers/edge/assignment.ts';
import { resnet20 } from './residualNet.ts';

const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '20000' },
    blocks: { type: 'string', default: '8' },
    requests: { type: 'string', default: '15' },
    batch: { type: 'string', default: '8' },
    json: { type: 'string' },
  },
});
const count = z.coerce.number().int();
const settings = z
  .object({ units: count.min(100), blocks: count.min(2), requests: count.min(1), batch: count.min(1) })
  .parse(values);

/** Milliseconds an assignment may take. */
const targetMs = 0.05;
const digest = 'a'.repeat(64);

const experimentOf = (change: Partial<RoutedExperiment> = {}): RoutedExperiment =>
  routedExperiment.parse({
    experiment: 'bench',
    revision: 1,
    phase: 1,
    unit: { from: 'header', name: 'x-unit' },
    layer: null,
    coverage: 1,
    arms: ['a', 'b'].map((name) => ({ name, weight: 5000, tasks: { digit: digest } })),
    defaultArm: 'a',
    shadow: null,
    ...change,
  } satisfies RoutedExperiment);

const median = (values: readonly number[]): number => quantile(values, 0.5);
const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN;
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const url = 'https://edge.example/v2/models/vision/infer';
const cookies = Array.from({ length: 10 }, (_, i) => `other${i}=${'x'.repeat(30)}`).join('; ');
const assignments: { what: string; experiments: RoutedExperiment[]; request: (unit: string) => Request }[] = [
  {
    what: 'unit in a header',
    experiments: [experimentOf()],
    request: (unit) => new Request(url, { headers: { 'x-unit': unit } }),
  },
  {
    what: 'unit in a parameter',
    experiments: [experimentOf({ unit: { from: 'query', name: 'unit' } })],
    request: (unit) => new Request(`${url}?unit=${unit}`),
  },
  {
    what: 'unit in the last of 11 cookies',
    experiments: [experimentOf({ unit: { from: 'cookie', name: 'unit' } })],
    request: (unit) => new Request(url, { headers: { cookie: `${cookies}; unit=${unit}` } }),
  },
  {
    what: '16 experiments of 16 arms, in a layer, by cookie',
    experiments: Array.from({ length: 16 }, (_, i) =>
      experimentOf({
        experiment: `bench-${i}`,
        unit: { from: 'cookie', name: 'unit' },
        layer: { name: 'nets', start: 625 * i, end: 625 * (i + 1) },
        arms: Array.from({ length: 16 }, (__, arm) => ({
          name: arm === 0 ? 'a' : `a${arm}`,
          weight: 625,
          tasks: { digit: digest },
        })),
      }),
    ),
    request: (unit) => new Request(url, { headers: { cookie: `${cookies}; unit=${unit}` } }),
  },
];

/** Milliseconds a request: the mean, and what one in a hundred exceeds. */
function assignmentMs(one: (typeof assignments)[number]): { ms: number; slowMs: number } {
  const { units } = settings;
  const requests = Array.from({ length: units }, (_, i) => one.request(`user-${(i * 7919).toString(36)}`));
  const timed = requests.map((request) => {
    const started = performance.now();
    placeRequest(one.experiments, request);
    return performance.now() - started;
  });
  // The first tenth runs before the engine has compiled it.
  const counted = timed.slice(units / 10);
  return { ms: mean(counted), slowMs: quantile(counted, 0.99) };
}

const seed = new Random(1);
const atRandom = (): number => -150 * Math.log(1 - seed.uniform());
/** Pauses between a reply and the next request, and the share of the requests that are shadowed. */
const patterns: { what: string; pauseMs: () => number; share: number }[] = [
  { what: 'every 250 ms', pauseMs: () => 250, share: 1 },
  { what: 'at random, 150 ms apart on average', pauseMs: atRandom, share: 0.1 },
  { what: 'at random, 150 ms apart on average', pauseMs: atRandom, share: 1 },
  { what: 'one right after the other', pauseMs: () => 0, share: 1 },
];
const plain = 'plain';
const shadowed = (share: number): string => `shadowed-${100 * share}`;

const body = new Uint8Array(
  Float32Array.from({ length: settings.batch * 3 * 32 * 32 }, () => seed.normal()).buffer,
);

interface Block {
  readonly latencyMs: number[];
  readonly shadowMs: number[];
}
async function block(edge: EdgeWorker, endpoint: string, pauseMs: () => number): Promise<Block> {
  const latencyMs: number[] = [];
  const ids: string[] = [];
  for (let i = 0; i < settings.requests; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs()));
    const started = performance.now();
    const response = await edge.ask(endpoint, body, { 'inference-header-content-length': '0' });
    await response.arrayBuffer();
    latencyMs.push(performance.now() - started);
    if (!response.ok) throw new Error(`The edge answers ${response.status}`);
    ids.push(response.headers.get('x-request-id') ?? '');
  }
  const exposures = await edge.exposures(ids);
  return { latencyMs, shadowMs: exposures.flatMap(({ shadow }) => shadow?.totalMs ?? []) };
}

interface ShadowRow {
  readonly pattern: string;
  readonly share: number;
  readonly withoutMs: { median: number; p95: number };
  readonly withMs: { median: number; p95: number };
  /** Mean of the blocks' differences in mean latency, and the half-width of its 95 % interval. */
  readonly addedMs: { mean: number; halfWidth: number };
  readonly requests: number;
  readonly shadows: { run: number; medianMs: number };
}

async function shadowRow(edge: EdgeWorker, pattern: (typeof patterns)[number]): Promise<ShadowRow> {
  const { what, pauseMs, share } = pattern;
  const pairs: { without: Block; with: Block }[] = [];
  for (let i = 0; i < settings.blocks; i += 1) {
    const run = (endpoint: string): Promise<Block> => block(edge, endpoint, pauseMs);
    // In turns, and so who begins.
    if (i % 2 === 0) pairs.push({ without: await run(plain), with: await run(shadowed(share)) });
    else pairs.push({ with: await run(shadowed(share)), without: await run(plain) });
  }
  const added = pairs.map((pair) => mean(pair.with.latencyMs) - mean(pair.without.latencyMs));
  const center = mean(added);
  const variance = added.reduce((sum, value) => sum + (value - center) ** 2, 0) / (added.length - 1);
  const all = (side: 'with' | 'without'): number[] => pairs.flatMap((pair) => pair[side].latencyMs);
  const summary = (values: number[]) => ({ median: median(values), p95: quantile(values, 0.95) });
  const shadowMs = pairs.flatMap((pair) => pair.with.shadowMs);
  return {
    pattern: what,
    share,
    withoutMs: summary(all('without')),
    withMs: summary(all('with')),
    addedMs: { mean: center, halfWidth: 1.96 * Math.sqrt(variance / added.length) },
    requests: all('with').length,
    shadows: { run: shadowMs.length, medianMs: median(shadowMs) },
  };
}

/** Endpoints that serve the same network; a share of the requests to all but the first runs a copy of it afterwards. */
async function publish(edge: EdgeWorker): Promise<void> {
  const graph = resnet20(1);
  const sha256 = createHash('sha256').update(writeModel(graph)).digest('hex');
  const model = { name: 'resnet20', task: 'digit', graph, labels: [], accuracy: null, sha256 };
  const bundle = await packModel({ ...model, preprocessing: 'none' });
  await edge.putBundle(bundle);
  const copy = await edge.putRenamed(bundle, 'copy');
  const arms = [
    { name: 'a', weight: 10_000, tasks: { digit: bundle.id } },
    { name: 'b', weight: 0, tasks: { digit: copy.id } },
  ];
  for (const [endpoint, share] of [
    [plain, 0],
    ...[0.1, 1].map((one) => [shadowed(one), one] as const),
  ] as const) {
    await edge.putRouting(endpoint, 1, { digit: bundle }, [
      experimentOf({ arms, shadow: { share, arm: 'b' } }),
    ]);
    // Everything is loaded before it counts.
    await block(edge, endpoint, () => 0);
  }
}

const [load = 0] = loadavg();

const assignment = assignments.map((one) => ({ what: one.what, ...assignmentMs(one) }));
console.log(`Milliseconds an assignment, ${settings.units} units; at most ${targetMs}`);
console.table(
  assignment.map(({ what, ms, slowMs }) => ({
    what,
    mean: ms.toFixed(4),
    '99 %': slowMs.toFixed(4),
    'within the target': ms <= targetMs ? 'yes' : 'no',
  })),
);

const edge = await EdgeWorker.start();
const shadow: ShadowRow[] = [];
try {
  await publish(edge);
  for (const pattern of patterns) {
    shadow.push(await shadowRow(edge, pattern));
    console.error(`${pattern.what}: done`);
  }
} finally {
  await edge.stop();
}
console.log('Milliseconds until a reply is read, without and with shadows');
console.table(
  shadow.map(({ pattern, share, withoutMs, withMs, addedMs, requests, shadows }) => ({
    requests: pattern,
    shadowed: `${100 * share} %`,
    without: `${withoutMs.median.toFixed(1)} (95 %: ${withoutMs.p95.toFixed(1)})`,
    with: `${withMs.median.toFixed(1)} (95 %: ${withMs.p95.toFixed(1)})`,
    'added to the mean': `${addedMs.mean.toFixed(2)} ± ${addedMs.halfWidth.toFixed(2)}`,
    shadows: `${shadows.run} of ${requests}, ${shadows.medianMs.toFixed(1)} ms`,
  })),
);
// More than one running program before we began: they wait for each other in ways that blocks do not even out.
if (load > 1) console.log(`The machine was busy (load ${load.toFixed(1)}): measure again when it is idle.`);
if (values.json !== undefined) {
  const report = { cpu: cpus()[0]?.model, load, ...settings, targetMs, assignment, shadow };
  await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
