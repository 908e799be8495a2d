import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hungryBundle, largeBundle, oversizedBundle, zippedBundle } from './edge-bundles.ts';
import { answered, largestDifference, question, samples, steps } from './edge-requests.ts';
import { EdgeWorker } from './edge-worker.ts';

let edge: EdgeWorker;
const ask: EdgeWorker['ask'] = (...request) => edge.ask(...request);

beforeAll(async () => {
  edge = await EdgeWorker.start();
  const zipped = zippedBundle();
  await edge.putBundle(zipped);
  await edge.putRouting('pair', 7, { digit: zipped, fashion: zipped });
});
afterAll(() => edge.stop());

describe('the memory of a Worker', () => {
  test('makes room for a large bundle by releasing another, within the heap it promises', async () => {
    const ones = Float32Array.of(1, 1, 1, 1);
    for (const value of [1, 2]) {
      const bundle = largeBundle(30, value);
      await edge.putBundle(bundle);
      await edge.putRouting(`large-${value}`, 1, { digit: bundle });
    }
    for (const value of [1, 2, 1]) {
      const response = await ask(`large-${value}`, question(ones));
      expect((await answered(response.clone())).outputs[0]?.data).toEqual([4 * value]);
      expect(steps(response)).toEqual(['load head-digit', 'head-digit']);
      const heap = Number(response.headers.get('x-trunkline-heap-bytes')) / 2 ** 20;
      // The weights, the activation of 7.5 MiB, and what freed pieces of other sizes cost.
      expect(heap).toBeGreaterThan(30);
      expect(heap).toBeLessThan(80);
    }
    await answered(await ask('pair', question(samples(1))));
  });

  test('says how large the heap of ONNX Runtime is', async () => {
    const response = await ask('pair', question(samples(1)));
    const bytes = Number(response.headers.get('x-trunkline-heap-bytes'));
    expect(bytes).toBeGreaterThanOrEqual(16 * 2 ** 20);
    expect(bytes).toBeLessThanOrEqual(80 * 2 ** 20);
    expect(bytes % 65_536).toBe(0);
  });

  test('that does not fit the heap is refused, and a smaller one answered', async () => {
    const hungry = hungryBundle();
    await edge.putBundle(hungry);
    await edge.putRouting('hungry', 1, { digit: hungry });
    const large = await ask('hungry', question(samples(8), 'digit'));
    expect([large.status, await large.json()]).toEqual([
      413,
      {
        error: `Cannot run head "digit" of bundle ${hungry.id.slice(0, 12)}: the request needs more than the 80.0 MiB of ONNX Runtime heap; send a smaller batch`,
      },
    ]);
    const [output] = (await answered(await ask('hungry', question(samples(1), 'digit')))).outputs;
    expect(largestDifference(output?.data ?? [], [Math.exp(1)])).toBeLessThan(1e-5);
  });

  test('a bundle that an isolate cannot hold is refused with the numbers', async () => {
    const bundle = oversizedBundle();
    await edge.putManifest(bundle.id, bundle.manifestBytes);
    await edge.putRouting('oversized', 1, { digit: bundle });
    const refused = await ask('oversized', question(samples(1)));
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain(
      '90.0 MiB of graphs and weights need 114.0 MiB of ONNX Runtime heap',
    );
  });
});
