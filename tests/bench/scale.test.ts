import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { formsDiffer } from '../../bench/scale/forms.ts';
import { sharingWork } from '../../bench/scale/work.ts';
import { vgg16, vgg16Layers } from '../../bench/scale/vgg16.ts';
import { createSession } from '../../gpu-runner/engine/session.ts';

const original = { classes: 1000, size: 224, width: 1 };

describe('vgg16', () => {
  test('has the parameters and multiply-adds that the original has', () => {
    const layers = vgg16Layers(original);
    expect(layers).toHaveLength(16);
    expect(layers.reduce((sum, { inputs, channels }) => sum + (inputs + 1) * channels, 0)).toBe(138_357_544);
    const macs = layers.reduce(
      (sum, { inputs, channels, positions }) => sum + inputs * channels * positions,
      0,
    );
    expect(macs).toBe(15_470_264_320);
    expect(layers.find(({ name }) => name === 'fc6')?.inputs).toBe(25_088);
  });

  test('a small one runs, and its activations neither vanish nor blow up', async () => {
    const graph = vgg16('small', 1, { classes: 7, size: 32, width: 1 / 16 });
    const session = await createSession(graph, { provider: 'cpu' });
    const image = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, k) => Math.sin(k));
    const { logits } = await session.run({ image: { dtype: 'float32', dims: [2, 3, 32, 32], data: image } });
    await session.release();
    expect(logits?.dims).toEqual([2, 7]);
    if (logits?.dtype !== 'float32') throw new Error('no logits');
    const largest = Math.max(...logits.data.map(Math.abs));
    expect(largest).toBeGreaterThan(1e-3);
    expect(largest).toBeLessThan(1e3);
  });
});

describe('sharingWork', () => {
  const [first, second] = vgg16Layers({ classes: 3, size: 32, width: 1 / 16 });
  if (!first || !second) throw new Error('no layers');

  test('counts the products of a layer that is measured whole', () => {
    const { measure, pair, merge } = sharingWork(second, [first], 5, 2 ** 30);
    // conv1_1: 27 inputs, 4 channels; conv1_2: 36 inputs, 4 channels; both at 1024 positions; two tasks.
    expect(measure).toEqual({ float32: 2 * 5 * 2 * 27 * 4 * 1024, float64: 2 * 5 * 2 * 36 * 36 * 1024 });
    const [factor, product] = [37 ** 3 / 3, 2 * 37 * 37 * 4];
    expect(pair.float64).toBeCloseTo(factor + 6 * product + 2 * 4 * 4 * 37, 6);
    expect(merge.float64).toBeCloseTo(factor + 5 * product, 6);
  });

  test('counts less for samples that stand for a wide layer', () => {
    // Wider layers are never measured whole.
    const dense = { name: 'fc', inputs: 16_000, channels: 4096, positions: 1, kernel: 0, pooled: false };
    const few = sharingWork(dense, [], 64, 4 * 2 ** 30);
    const whole = sharingWork(dense, [], 64, 2 ** 50);
    expect(few.measure.float64).toBe(0);
    expect(few.pair.float64).toBeLessThan(whole.pair.float64 / 20);
    expect(few.merge.float64).toBeLessThan(whole.merge.float64 / 100);
  });
});

test('formsDiffer() finds samples and whole Gram matrices alike', async () => {
  const { cost, weights } = await formsDiffer({ inputs: 40, samples: 12, channels: 5, damping: 1e-4 });
  expect(cost).toBeLessThan(1e-10);
  expect(weights).toBeLessThan(1e-9);
  expect(weights).toBeGreaterThan(0);
});

test('bench:scale --quick zips a small VGG-16 and writes every layer, the machine and the settings', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'scale-'));
  try {
    const file = join(folder, 'results.json');
    const program = join(import.meta.dirname, '../../bench/scale.ts');
    const options = ['--quick', '--size', '32', '--samples', '2', '--json', file];
    await promisify(execFile)(process.execPath, [program, ...options]);
    const written = JSON.parse(await readFile(file, 'utf8')) as {
      readonly run: { readonly date: string };
      readonly layers: readonly Record<string, unknown>[];
      readonly formsDiffer: { readonly cost: number };
    };
    expect(written).toMatchObject({
      run: { node: process.version, command: `npm run bench:scale -- ${options.join(' ')}` },
      settings: { size: 32, samples: 2, gramBytes: 4 * 2 ** 30, damping: 0.01 },
    });
    expect(written.run.date).toMatch(/^20\d\d-\d\d-\d\d$/);
    const names = vgg16Layers({ ...original, size: 32 }).map(({ name }) => name);
    // The last layer is every task's own.
    expect(written.layers.map(({ name }) => name)).toEqual(names.slice(0, -1));
    for (const layer of written.layers)
      for (const what of [
        'measureMs',
        'pairMs',
        'mergeMs',
        'refitMs',
        'cpuSeconds',
        'productShare',
        'peakGiB',
      ])
        expect(layer[what]).toBeTypeOf('number');
    expect(written.formsDiffer.cost).toBeLessThan(1e-10);
  } finally {
    await rm(folder, { recursive: true });
  }
});
