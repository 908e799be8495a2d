import sharp from 'sharp';
import { inspectModel } from '../../gpu-runner/runner/work/inspectModel.ts';
import type { DatasetDocument } from '../../shared/dataset.ts';
import type { DatasetInspection, Inspection } from '../../shared/inspection.ts';
import { pixelsTo1 } from '../../shared/preprocessing.ts';
import type {
  AliasHistory,
  ItemList,
  ItemView,
  Kind,
  LineageView,
  VersionDocument,
  VersionView,
} from '../../shared/registry.ts';
import { everyNet } from '../gpu-runner/mtz/nets/all.ts';
import { Reply, type Handlers } from './mockPlatform.ts';

// A small registry as the API would tell of it, typed by its schemas; inspections are made by the runner's own code.

const now = Date.now();
export const ago = (minutes: number): string => new Date(now - minutes * 60_000).toISOString();
export const digest = (seed: number): string =>
  Array.from({ length: 64 }, (_, at) => ((seed * 7 + at * 5) % 16).toString(16)).join('');

export const digits = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

export const item = (kind: Kind, name: string, more: Partial<ItemView> = {}): ItemView => ({
  kind,
  name,
  latest: 3,
  versions: 3,
  aliases: { champion: 2 },
  tags: { team: 'vision', reviewed: '' },
  owner: '0123456789abcdef',
  createdAt: ago(60 * 24 * 20),
  changedAt: ago(12),
  card: '# Digits\n\nA **small** network.\n\n| set | accuracy |\n| --- | ---: |\n| test | 99.15 % |\n\n- for 28 by 28 pixels\n- <script>alert(1)</script>\n',
  ...more,
});

export const version = (
  kind: Kind,
  name: string,
  number: number,
  document: VersionDocument,
): VersionView => ({
  kind,
  name,
  version: number,
  digest: digest(number),
  document,
  sizeBytes: 3_470_000 + number,
  aliases: number === 2 ? ['champion'] : [],
  createdAt: ago(number === 3 ? 12 : 60 * 24 * (10 - number)),
  createdBy: '0123456789abcdef',
});

const file = (path: string, seed: number) => ({ path, sha256: digest(seed), sizeBytes: 3_470_000 });

export const modelDocumentFixture: VersionDocument = {
  format: 'trunkline.model/1',
  task: 'digit',
  files: [file('digit.onnx', 1)],
  labels: digits,
};

export const datasetDocumentFixture: DatasetDocument = {
  format: 'trunkline.dataset/1',
  files: [file('images.zip', 4)],
  source: { kind: 'images', archive: 'images.zip' },
  preprocessing: pixelsTo1([1, 28, 28]),
  labels: digits,
  split: { validation: 0.1, seed: 1 },
  allowBad: 0.01,
};

export async function datasetInspectionFixture(): Promise<DatasetInspection> {
  const [columns, tiles, side] = [20, 40, 28];
  const width = columns * side;
  const pixels = Buffer.alloc(width * (tiles / columns) * side);
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [(at % width) % side, Math.floor(at / width) % side];
    pixels[at] = Math.hypot(x - 14, y - 14) < 9 && Math.hypot(x - 14, y - 14) > 5 ? 255 : 0;
  }
  const png = await sharp(pixels, { raw: { width, height: (tiles / columns) * side, channels: 1 } })
    .png()
    .toBuffer();
  return {
    format: 'trunkline.inspection/1',
    kind: 'dataset',
    samples: 60_000,
    sampleDims: [1, 28, 28],
    classes: 10,
    labelCounts: digits.map((_, at) => 5200 + ((at * 377) % 1600)),
    badFiles: [{ path: 'seven/0042.png', reason: 'not a JPEG or PNG (starts with 3c 68 74)' }],
    preview: {
      png: png.toString('base64'),
      width: side,
      height: side,
      columns,
      labels: Array.from({ length: tiles }, (_, at) => Math.floor(at / 4)),
    },
    problems: ['1 of 60,000 files is bad and left out'],
  };
}

async function inspectionOf(kind: string, name: string): Promise<Inspection> {
  if (kind === 'datasets') return datasetInspectionFixture();
  const build = everyNet[name === 'digit' ? 'LeNet' : 'ResNet of bottlenecks'];
  if (build === undefined) throw new Error('There is no such network');
  return inspectModel(build(1), []);
}

export const lineage: LineageView = {
  parents: [],
  children: [
    {
      kind: 'bundles',
      name: 'both',
      version: 1,
      digest: digest(9),
      role: 'model',
      task: 'digit',
    },
  ],
  unregistered: [],
};

/** What models and data sets answer. */
export const registryHandlers: Handlers = {
  'GET /v1/:kind/:name/versions/:ref/inspection': async ({ params: [kind = '', name = ''] }) => ({
    inspection: name === 'waiting' ? null : { at: ago(10), document: await inspectionOf(kind, name) },
  }),
  'GET /v1/:kind/:name/versions/:ref/lineage': () => lineage,
  'GET /v1/:kind/:name/versions/:ref': ({ params: [kind = '', name = '', ref = ''] }) =>
    version(
      kind as Kind,
      name,
      ref === 'latest' ? 3 : Number(ref),
      kind === 'datasets' ? datasetDocumentFixture : modelDocumentFixture,
    ),
  'GET /v1/:kind/:name/versions': ({ params: [kind = '', name = ''] }) => ({
    versions: [3, 2, 1].map((number) =>
      version(
        kind as Kind,
        name,
        number,
        kind === 'datasets' ? datasetDocumentFixture : modelDocumentFixture,
      ),
    ),
    next: null,
  }),
  'GET /v1/:kind/:name/aliases/:alias/history': ({ params: [, , alias = ''] }) =>
    ({
      history: [
        { alias, version: 2, changedAt: ago(5), changedBy: '0123456789abcdef' },
        { alias, version: 1, changedAt: ago(500), changedBy: '0123456789abcdef' },
      ],
      next: null,
    }) satisfies AliasHistory,
  'GET /v1/models': ({ url }) => listOf('models', ['digit', 'fashion', 'resnet'], url),
  'GET /v1/datasets': ({ url }) => listOf('datasets', ['digit-data', 'fashion-data'], url),
  'GET /v1/models/:name': ({ params: [name = ''] }) =>
    name === 'missing'
      ? new Reply(404, { error: { code: 'not-found', message: 'There is no model "missing".' } })
      : item('models', name),
  'GET /v1/datasets/:name': ({ params: [name = ''] }) => item('datasets', name, { card: '' }),
};

function listOf(kind: Kind, names: readonly string[], url: URL): ItemList {
  const q = url.searchParams.get('q') ?? '';
  return {
    items: names
      .filter((name) => name.includes(q))
      .map((name) => {
        const listed: Partial<ItemView> & ItemList['items'][number] = item(kind, name);
        delete listed.card;
        return listed;
      }),
    next: null,
  };
}
