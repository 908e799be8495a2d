import { arm, type Experiment } from '../../shared/experiment.ts';
import type { EndpointDetail, EndpointList } from '../../shared/api.ts';
import type { ExperimentDetail, ExperimentList } from '../../shared/experiment-api.ts';
import type { ExperimentReport } from '../../shared/experiment-report.ts';
import type { ModelInspection } from '../../shared/inspection.ts';
import { mergeRequest, type JobEvent, type JobView, type PlanResult } from '../../shared/jobs.ts';
import type { Manifest } from '../../shared/manifest.ts';
import { pixelsTo1 } from '../../shared/preprocessing.ts';
import type { ModelDocument } from '../../shared/registry.ts';
import { blocksOf, report as reportSchema, type GroupReport, type Report } from '../../shared/report.ts';
import { Reply, type Handlers } from './mockPlatform.ts';
import {
  ago,
  datasetDocumentFixture,
  datasetInspectionFixture,
  digest,
  digits,
  item,
  version,
} from './registryFixtures.ts';

// Merges, jobs, bundles and experiments as the API would tell of them, typed by its schemas.

export const clothes = [
  ...['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat'],
  ...['Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
];
const widths: readonly (readonly [string, number, string | null])[] = [
  ['conv1', 20, null],
  ['conv2', 50, null],
  ['fc1', 500, null],
  ['logits', 10, 'it is the answer'],
];

const inspectionOf = (channels: number): ModelInspection => ({
  format: 'trunkline.inspection/1',
  kind: 'model',
  inputs: [{ name: 'image', dtype: 'float32', dims: [-1, channels, 28, 28] }],
  outputs: [{ name: 'logits', dtype: 'float32', dims: [-1, 10] }],
  parameters: 431_080,
  macs: 3_628_000,
  operators: { Conv: 2, Gemm: 2, Relu: 3, MaxPool: 2 },
  groups: widths.map(([name, count, reason]) => ({
    ...{ name, channels: count, reason },
    shareable: reason === null,
  })),
  problems: [],
});

const modelDocument = (task: string, labels: string[]): ModelDocument => ({
  format: 'trunkline.model/1',
  task,
  files: [{ path: `${task}.onnx`, sha256: digest(9), sizeBytes: 3_470_000 }],
  labels,
});

const { parameters, macs } = { parameters: 862_160, macs: 7_256_000 };
/** From everything shared to nothing, the loss falling as one pays for it. */
const plan: PlanResult = {
  wiring: 'one-way',
  of: 'parameters',
  groups: widths.map(([name, count, reason]) => ({ name, reason, widths: { digit: count, fashion: count } })),
  separate: { parameters, macs },
  curve: Array.from({ length: 41 }, (_, at) => {
    const own = at / 40;
    return {
      parameters: Math.round(parameters * (0.5 + own / 2)),
      macs: Math.round(macs * (0.5 + own / 2)),
      loss: 4.2 * (1 - own) ** 3,
      shared: widths.map(([, count, reason], group) =>
        reason === null ? Math.round(count * (1 - own) ** (1 / (group + 1))) : 0,
      ),
    };
  }),
  notes: ['Dropout is left out: it does nothing when a network answers.'],
};

const request = mergeRequest.parse({
  name: 'both',
  sources: ['digit', 'fashion'].map((task) => ({ task, model: `${task}@3`, data: `${task}-data@3` })),
  recipe: {
    wiring: 'one-way',
    budget: { of: 'parameters', atMost: 0.6 },
    floors: { accuracy: { digit: 0.98 }, maxDrop: 0.02 },
    retraining: { stepsPerLayer: 100, finalSteps: 540, batchSize: 64, learningRate: 0.001, distillation: 1 },
  },
  endpoint: { name: 'shop' },
});
const pinned = (name: string) => ({ name, version: 3, digest: digest(3) });
const sources = ['digit', 'fashion'].map((task) => ({
  task,
  model: pinned(task),
  data: pinned(`${task}-data`),
}));

const runner: JobView['runner'] = { name: 'gpu-1', version: '0.1.0', providers: ['cuda', 'cpu'] };
const common = {
  ...{ project: 'default', owner: '0123456789abcdef', priority: 0, attempts: 0, maxAttempts: 5 },
  ...{ reason: null, cancelRequested: false, retryOf: null, createdAt: ago(4), changedAt: ago(1) },
  ...{ notBefore: ago(4), finishedAt: null, leaseExpiresAt: null, progress: null, checkpoint: null },
  runner,
} as const;
const idOf = (seed: number): string => digest(seed).slice(0, 32);

export const runningId = idOf(1);
export const doneId = idOf(2);
export const planId = idOf(4);
export const failedId = idOf(3);
const bundleId = digest(5);

const running: JobView = {
  ...{
    ...common,
    id: runningId,
    kind: 'merge',
    state: 'leased',
    request,
    sources,
    result: null,
    attempts: 1,
  },
  checkpoint: { sha256: digest(6), sizeBytes: 3_000_000, step: 120 },
  progress: {
    stage: 'retrain',
    layer: 'conv2',
    layerIndex: 1,
    layers: 3,
    step: 60,
    steps: 100,
    at: ago(0),
  },
};
const done: JobView = {
  ...{ ...common, id: doneId, kind: 'merge', state: 'succeeded', request, sources, finishedAt: ago(1) },
  result: {
    bundle: bundleId,
    registered: 'both@2',
    endpoint: { name: 'shop', revision: 4 },
    report: digest(8),
  },
};
const failed: JobView = {
  ...{ ...common, id: failedId, kind: 'merge', state: 'failed', request, sources, finishedAt: ago(2) },
  ...{ attempts: 1, result: null },
  reason: 'Cannot zip conv2: digit has 50 channels, fashion 32, and the recipe asks for 40.',
};
const planned: JobView = {
  ...{ ...common, id: planId, kind: 'plan', state: 'succeeded', sources, finishedAt: ago(1), result: plan },
  request: { sources: request.sources, recipe: request.recipe, priority: 5 },
};
const jobs: ReadonlyMap<string, JobView> = new Map(
  [running, done, failed, planned].map((job) => [job.id, job]),
);

/** What happened to the running merge: an attempt that died, and another one that went on. */
function events(final: 'leased' | 'succeeded'): JobEvent[] {
  const told: JobEvent[] = [];
  const add = (minutes: number, event: { type: 'state' | 'progress'; data: object }): void => {
    told.push({ sequence: told.length + 1, at: ago(minutes), ...event } as JobEvent);
  };
  const state = (of: string, reason: string | null, attempts = 0): object => ({
    ...{ state: of, attempts, reason, token: 1 },
    runner: of === 'queued' ? null : 'gpu-1',
  });
  add(4, { type: 'state', data: state('queued', null) });
  add(3.9, { type: 'state', data: state('leased', null) });
  add(3.8, {
    type: 'progress',
    data: { stage: 'download', message: 'digit@3: digit.onnx, 1 of 1 files', at: ago(3.8) },
  });
  const layers = ['conv1', 'conv2', 'fc1'];
  for (const [layerIndex, layer] of layers.entries()) {
    const place = { layer, layerIndex, layers: 3 };
    add(3, {
      type: 'progress',
      data: { ...place, stage: 'measure', message: 'measuring what "digit" feeds it', at: ago(3) },
    });
    add(3, {
      type: 'progress',
      data: { ...place, stage: 'share', message: '20 channels shared, second-order loss 0.0213', at: ago(3) },
    });
    if (layerIndex === 1) {
      add(2.5, { type: 'state', data: state('queued', 'Its lease ran out: the runner did not answer.', 1) });
      add(2.4, { type: 'state', data: state('leased', null, 1) });
    }
    const last = final === 'leased' && layerIndex === 1 ? 60 : 100;
    for (let step = 10; step <= last; step += 10)
      add(2, {
        type: 'progress',
        data: {
          ...{ ...place, stage: 'retrain', step, steps: 100, stepsPerSecond: 41.2, etaMs: 970, at: ago(2) },
          losses: {
            digit: 1.4 * Math.exp(-step / 40) + 0.08 + 0.02 * Math.sin(step),
            fashion: 1.9 * Math.exp(-step / 50) + 0.3,
          },
        },
      });
    if (last < 100) return told;
    add(1.5, {
      type: 'progress',
      data: {
        ...{ ...place, stage: 'validate', at: ago(1.5) },
        accuracy: { digit: 0.985 + 0.002 * layerIndex, fashion: 0.88 + 0.004 * layerIndex },
      },
    });
  }
  add(1, { type: 'state', data: state('succeeded', null) });
  return told;
}

const stream = (all: readonly JobEvent[]): Reply =>
  new Reply(
    200,
    all.map((one) => `id: ${one.sequence}\nevent: ${one.type}\ndata: ${JSON.stringify(one)}\n\n`).join(''),
    'text/event-stream',
  );

/** Of ten classes, some taken for their neighbours. */
const confusion = (wrong: number): number[][] =>
  digits.map((_, truth) =>
    digits.map((__, answer) =>
      truth === answer
        ? 200 - wrong - (truth % 3)
        : answer === (truth + 3) % 10
          ? wrong
          : answer === 0
            ? truth % 3
            : 0,
    ),
  );

const groups: GroupReport[] = widths.map(([name, count, reason], at) => ({
  ...{ name, layers: [], widths: { digit: count, fashion: count }, cost: 0.01 * (at + 1) },
  blocks: blocksOf(
    { digit: count, fashion: count },
    reason === null ? Math.round(count * (1 - at * 0.15)) : 0,
  ),
}));

export const report: Report = reportSchema.parse({
  format: 'trunkline.report/1',
  name: 'both',
  createdAt: ago(1),
  tasks: [
    { task: 'digit', labels: digits, confusion: { before: confusion(1), after: confusion(2) } },
    { task: 'fashion', labels: clothes, confusion: { before: confusion(9), after: confusion(14) } },
  ],
  wiring: 'one-way',
  plan: groups,
  tradeoff: {
    predicted: plan.curve.map((point) => ({ bytes: point.parameters * 4, loss: point.loss })),
    chosen: { bytes: 2_069_184, loss: 2.1 },
  },
  retraining: {
    iterations: 840,
    history: Array.from({ length: 84 }, (_, at) => ({
      step: at * 10,
      losses: { digit: Math.exp(-at / 20), fashion: 1.4 * Math.exp(-at / 25) + 0.2 },
    })),
    validation: [100, 200, 300, 840].map((step, at) => ({
      ...{ step, stage: widths[at]?.[0] ?? 'end' },
      accuracy: { digit: 0.98 + at * 0.003, fashion: 0.87 + at * 0.006 },
    })),
    floors: { fashion: 0.87 },
    events: [
      {
        kind: 'rollback',
        message:
          'After conv2: fashion fell to 86.40 %, its floor is 87.00 %; conv2 shares 40 channels instead of 50',
      },
    ],
  },
  figures: {
    bytes: { separate: 6_940_000, zipped: 3_500_000 },
    parameters: { separate: parameters, zipped: 434_000 },
    macs: { separate: macs, zipped: 3_640_000 },
    latencyMs: { separate: 0.82, zipped: 0.45 },
    heapBytes: { separate: 24_220_000, zipped: 20_240_000 },
    iterations: { separate: 15_000, zipped: 840 },
  },
  environment: { machine: 'AMD EPYC 7763, 2 cores, linux, cpu' },
});

const part = (name: string, parametersOf: number) => ({
  ...{ graph: `${name}.onnx`, weights: [`${name}.bin`], macs: parametersOf * 8, parameters: parametersOf },
});
const image = { name: 'image', dtype: 'float32', dims: [-1, 1, 28, 28] } as const;
const tap = { name: 'tap', dtype: 'float32', dims: [-1, 500] } as const;
const files = ['trunk', 'head-digit', 'head-fashion'].flatMap((name, at) => [
  { path: `${name}.onnx`, sha256: digest(20 + at), sizeBytes: 2_400 },
  { path: `${name}.bin`, sha256: digest(30 + at), sizeBytes: at === 0 ? 3_400_000 : 20_040 },
]);
export const manifest: Manifest = {
  ...{ format: 'trunkline.bundle/1', name: 'both', createdAt: ago(1) },
  inputs: [{ ...image, dims: [...image.dims] }],
  trunk: {
    ...part('trunk', 424_000),
    inputs: [{ ...image, dims: [...image.dims] }],
    taps: [{ ...tap, dims: [...tap.dims] }],
  },
  heads: [
    { task: 'digit', labels: digits, accuracy: { before: 0.9915, after: 0.989, samples: 2000 } },
    { task: 'fashion', labels: clothes, accuracy: { before: 0.89, after: 0.8945, samples: 2000 } },
  ].map((one) => ({
    ...{ ...part(`head-${one.task}`, 5010), ...one, inputs: [{ ...tap, dims: [...tap.dims] }] },
    output: { name: 'logits', dtype: 'float32' as const, dims: [-1, 10] },
  })),
  files: [
    ...files,
    { path: 'report.json', sha256: digest(8), sizeBytes: 48_000 },
    { path: 'report.html', sha256: digest(40), sizeBytes: 61_000 },
  ],
  report: { json: 'report.json', html: 'report.html' },
  preprocessing: pixelsTo1([1, 28, 28]),
  recipe: request.recipe,
  lineage: {
    models: ['digit', 'fashion'].map((task) => ({ task, name: task, sha256: digest(9) })),
    retrainingSteps: 840,
  },
  sharing: [],
  parity: { maxAbsDifference: 1.5e-5, tolerance: 1e-3, samples: 64 },
};

/** Of a merge whose second task had no labels, and some of whose data could not be read. */
const blindId = digest(7);
const blindManifest: Manifest = {
  ...manifest,
  heads: manifest.heads.map((head) => (head.task === 'fashion' ? { ...head, accuracy: null } : head)),
  files: manifest.files.map((file) => (file.path === 'report.json' ? { ...file, sha256: digest(48) } : file)),
};
const blindReport: Report = {
  ...report,
  tasks: report.tasks.map((one) =>
    one.task === 'fashion'
      ? { task: one.task, labels: one.labels, agreement: { share: 0.971, samples: 2000 } }
      : { ...one, leftOut: { count: 1, first: [{ path: 'seven/0042.png', reason: 'not a JPEG or PNG' }] } },
  ),
  notes: ['The data of "fashion" have no labels: it learns from its own network.'],
};

const endpoint: EndpointDetail = {
  ...{ name: 'shop', revision: 4, createdAt: ago(1), createdBy: '0123456789abcdef', publishedAt: ago(1) },
  tasks: { digit: bundleId, fashion: bundleId },
  history: [
    {
      ...{ revision: 3, createdAt: ago(600), createdBy: '0123456789abcdef', publishedAt: ago(600) },
      tasks: { digit: digest(7), fashion: digest(7) },
    },
  ],
  next: null,
};

const arms: Experiment['arms'] = [
  arm.parse({ name: 'current', weight: 5000, tasks: { digit: digest(7), fashion: digest(7) } }),
  arm.parse({ name: 'both', weight: 5000, tasks: { digit: bundleId, fashion: bundleId } }),
];
const phase = (coverage: number, start: number, end: number | null) => ({
  ...{ revision: 1, weights: { current: 5000, both: 5000 }, coverage },
  ...{ startedAt: ago(start), endedAt: end === null ? null : ago(end) },
});
const experiment: ExperimentDetail = {
  ...{ experiment: 'merged-or-separate', endpoint: 'shop', state: 'running', version: 9, revision: 1 },
  ...{ unit: { from: 'header', name: 'x-unit' }, layer: null, coverage: 0.5, arms, defaultArm: 'current' },
  ...{ shadow: null, margins: { digit: 0.01, fashion: 0.03 }, alpha: 0.05, plannedUnits: 5000 },
  guardrails: [{ kind: 'accuracy', task: 'digit', maxDrop: 0.05 }],
  ramp: { steps: [0.1, 0.5, 1], minUnits: 100 },
  phases: [phase(0.1, 120, 60), phase(0.5, 60, null)],
  ...{ decision: null, changedAt: ago(60), changedBy: 'schedule', publishedAt: ago(60) },
  history: [
    {
      version: 9,
      state: 'running',
      step: 'advance',
      reason: 'Coverage 0.1 to 0.5: no harm so far.',
      at: ago(60),
      by: 'schedule',
    },
    { version: 1, state: 'draft', step: 'create', reason: null, at: ago(130), by: '0123456789abcdef' },
  ],
  next: null,
};

const looked = Array.from({ length: 20 }, (_, at) => {
  const units = 120 * (at + 1);
  const half = 0.35 / Math.sqrt(units / 40);
  const wobble = 0.006 * Math.sin(at);
  return {
    ...{ at: ago(120 - at * 6), version: 3 + (at >> 2), action: 'keep-running', reason: 'Too early.' },
    units: { current: units >> 1, both: units >> 1 },
    comparisons: [
      {
        arm: 'both',
        task: 'digit',
        value: -0.002 + wobble,
        low: -0.002 + wobble - half / 6,
        high: -0.002 + wobble + half / 6,
      },
      {
        ...{ arm: 'both', task: 'fashion', value: 0.006 - wobble },
        low: at === 0 ? null : 0.006 - wobble - half / 2,
        high: at === 0 ? null : 0.006 - wobble + half / 2,
      },
    ],
  };
});
const figures = (value: number) => ({ value, units: 1200 });
export const experimentReport: ExperimentReport = {
  ...{ experiment: 'merged-or-separate', endpoint: 'shop', state: 'running', version: 9, revision: 1 },
  ...{
    coverage: 0.5,
    at: ago(0),
    defaultArm: 'current',
    decision: null,
    units: { current: 1209, both: 1191 },
  },
  verdict: 'Arm both is not inferior to current on digit; on fashion about 900 more units are needed.',
  action: { kind: 'keep-running', reason: 'Not every task is decided.' },
  tasks: [
    {
      ...{ task: 'digit', arm: 'both', baseline: figures(0.9951), candidate: figures(0.9929) },
      ...{
        difference: -0.0022,
        interval: { low: -0.0067, high: 0.0022 },
        bounds: { low: -0.0064, high: null },
      },
      ...{ margin: 0.01, verdict: 'non-inferior', unitsStillNeeded: 0 },
    },
    {
      ...{ task: 'fashion', arm: 'both', baseline: figures(0.888), candidate: figures(0.8938) },
      ...{ difference: 0.0058, interval: { low: -0.036, high: 0.048 }, bounds: { low: -0.033, high: null } },
      ...{ margin: 0.03, verdict: 'undecided', unitsStillNeeded: 900 },
    },
  ],
  costs: [
    {
      ...{
        arm: 'both',
        cost: 'latencyMs',
        baseline: figures(3.21),
        candidate: figures(1.76),
        change: -0.452,
      },
      interval: { low: -0.462, high: -0.442 },
    },
    {
      ...{
        arm: 'both',
        cost: 'heapBytes',
        baseline: figures(24e6),
        candidate: figures(20e6),
        change: -0.168,
      },
      interval: { low: -0.17, high: -0.166 },
    },
  ],
  latency: ['current', 'both'].flatMap((name, at) =>
    [0.5, 0.95, 0.99].map((quantile) => ({
      ...{ arm: name, quantile, ms: (at === 0 ? 3 : 1.7) * (1 + quantile), interval: { low: 1, high: 9 } },
      change: at === 0 ? null : { value: -0.44, low: -0.5, high: -0.4 },
    })),
  ),
  guardrails: [
    {
      arm: 'both',
      guardrail: { kind: 'accuracy', task: 'digit', maxDrop: 0.05 },
      atLeast: -0.002,
      limit: 0.05,
      breached: false,
    },
  ],
  phases: [
    {
      phase: 1,
      coverage: 0.1,
      startedAt: ago(120),
      endedAt: ago(60),
      units: { current: 240, both: 251 },
      pValue: 0.62,
      alarm: false,
    },
    {
      phase: 2,
      coverage: 0.5,
      startedAt: ago(60),
      endedAt: null,
      units: { current: 969, both: 940 },
      pValue: 0.51,
      alarm: false,
    },
  ],
  multipleExposure: { units: 0, share: 0, alarm: false },
  missingOutcomes: { digit: { pValue: 0.4, alarm: false }, fashion: { pValue: 0.0002, alarm: true } },
  ...{ requests: [], shadows: [] },
  sizes: {
    current: { bundles: 1, bytes: 6_940_000, parameters, macs },
    both: { bundles: 1, bytes: 3_500_000, parameters: 434_000, macs: 3_640_000 },
  },
  saved: [
    {
      ...{ arm: 'both', bytes: 0.4952, macs: 0.4989, parameters: 0.497 },
      ...{ measuredLatency: 0.452, measuredHeap: 0.168, measuredBytesLoaded: 0.5 },
    },
  ],
  curve: looked,
};

const list = (kind: 'models' | 'datasets' | 'bundles', names: readonly string[]) => ({
  items: names.map((name) => ({ ...item(kind, name), card: undefined })),
  next: null,
});
const taskOf = (name = ''): string => name.replace('-data', '');
const labelsOf = (name = ''): string[] => (taskOf(name) === 'fashion' ? clothes : digits);

const floorRefusal = {
  code: 'unprocessable',
  message:
    'Cannot merge into "digit-fashion": recipe.floors: data set "digit-data@3" of task "digit" holds no samples out to measure accuracy on.',
};

/** Everything the pages of merging, serving and comparing ask for. */
export const workHandlers: Handlers = {
  'GET /v1/models': () => list('models', ['digit', 'fashion', 'colour']),
  'GET /v1/models/:name/versions/:ref': ({ params: [name = ''] }) =>
    version('models', name, 3, modelDocument(name, labelsOf(name))),
  'GET /v1/models/:name/versions/:ref/inspection': ({ params: [name] }) => ({
    inspection: { at: ago(2), document: inspectionOf(name === 'colour' ? 3 : 1) },
  }),
  'GET /v1/datasets': () => list('datasets', ['digit-data', 'fashion-data', 'bare-data']),
  'GET /v1/datasets/:name': ({ params: [name = ''] }) => item('datasets', name),
  'GET /v1/datasets/:name/versions/:ref': ({ params: [name = ''] }) =>
    version('datasets', name, 3, {
      ...{ ...datasetDocumentFixture, labels: labelsOf(name) },
      ...(name === 'bare-data' && { source: { kind: 'images', archive: 'images.zip', unlabelled: true } }),
    }),
  'GET /v1/datasets/:name/versions/:ref/inspection': async () => ({
    inspection: { at: ago(2), document: await datasetInspectionFixture() },
  }),
  'POST /v1/plans': () => ({ ...planned, state: 'queued', result: null, finishedAt: null }),
  'POST /v1/merges': ({ body }) => {
    const { recipe } = mergeRequest.parse(JSON.parse(body.toString()));
    return recipe.floors?.maxDrop === undefined ? running : new Reply(422, { error: floorRefusal });
  },
  'GET /v1/jobs': ({ url }) => ({
    jobs: [...jobs.values()].filter(({ kind }) =>
      [null, kind as string].includes(url.searchParams.get('kind')),
    ),
    next: null,
  }),
  'GET /v1/jobs/:id': ({ params: [id = ''] }) => jobs.get(id) ?? missing(`There is no job "${id}".`),
  'GET /v1/jobs/:id/events': ({ params: [id] }) =>
    stream(id === failedId ? [failure] : events(id === runningId ? 'leased' : 'succeeded')),
  'GET /v1/bundles': () => list('bundles', ['both', 'separate-digit']),
  'GET /v1/bundles/:name': ({ params: [name = ''] }) =>
    name === blindId ? blindManifest : name.length === 64 ? manifest : item('bundles', name, { latest: 2 }),
  'GET /v1/bundles/:name/versions': ({ params: [name = ''] }) => ({
    versions: [2, 1].map((number) => version('bundles', name, number, { bundle: bundleId })),
    next: null,
  }),
  'GET /v1/bundles/:name/versions/:ref': ({ params: [name = '', ref] }) =>
    name === 'missing'
      ? missing('There is no bundle "missing".')
      : version('bundles', name, ref === '1' ? 1 : 2, { bundle: ref === '1' ? blindId : bundleId }),
  'GET /v1/bundles/:name/versions/:ref/lineage': () => ({
    parents: sources.flatMap(({ task, model, data }) => [
      { ...model, kind: 'models', role: 'model', task },
      { ...data, kind: 'datasets', role: 'data', task },
    ]),
    ...{ children: [], unregistered: [] },
  }),
  'GET /v1/blobs/:sha256': ({ params: [sha256] }) =>
    sha256 === digest(8)
      ? report
      : sha256 === digest(48)
        ? blindReport
        : new Reply(200, '<!doctype html><p>Report</p>', 'text/html'),
  'GET /v1/endpoints': () => ({ endpoints: [endpoint], next: null }) satisfies EndpointList,
  'GET /v1/endpoints/:name': () => endpoint,
  'POST /v2/models/:name/infer': () => ({
    ...{ model_name: 'shop', model_version: '4' },
    outputs: ['digit', 'fashion'].map((name) => ({
      ...{ name, datatype: 'FP32', shape: [1, 10] },
      data: digits.map((_, at) => (at === 7 ? 6 : Math.sin(at))),
    })),
  }),
  'GET /v1/experiments': () =>
    ({
      experiments: [experiment, { ...experiment, experiment: 'damaged', state: 'paused' }],
      next: null,
    }) satisfies ExperimentList,
  'GET /v1/experiments/:name': () => experiment,
  'GET /v1/experiments/:name/report': () => experimentReport,
};

const missing = (message: string): Reply => new Reply(404, { error: { code: 'not-found', message } });

const failure: JobEvent = {
  ...{ sequence: 1, at: ago(2), type: 'state' },
  data: { state: 'failed', attempts: 1, token: 1, runner: 'gpu-1', reason: 'Cannot zip conv2.' },
};
