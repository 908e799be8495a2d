import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSides } from '../../../bench/quantise/ortWebSides.ts';
import { readNet } from '../../../examples/nets.ts';
import { preprocessing, readTask, taskNames } from '../../../examples/tasks.ts';
import { packModel } from '../../../gpu-runner/bundle/export.ts';
import { writeBundle } from '../../../gpu-runner/bundle/writeBundle.ts';
import { subset } from '../../../gpu-runner/engine/dataset.ts';
import { accuracyOf } from '../../../gpu-runner/mtz/evaluate.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-sides-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('runSides() counts right answers as onnxruntime-node does, and times sides in turn', async () => {
  const images = 40;
  const expected: Record<string, number> = {};
  for (const task of taskNames) {
    const { graph, info } = await readNet(task);
    const bundle = await packModel({
      ...{ name: task, task, graph, labels: info.labels, accuracy: null },
      ...{ sha256: info.sha256, preprocessing },
    });
    await writeBundle(join(folder, task), bundle);
    const first = Uint32Array.from({ length: images }, (_, index) => index);
    expected[task] = await accuracyOf(graph, subset((await readTask(task)).test, first), { provider: 'cpu' });
  }
  const both = taskNames.map((task) => join(folder, task));
  const { milliseconds, accuracy, heapBytes } = await runSides({ sides: [both, both], rounds: 3, images });
  expect(accuracy).toEqual([expected, expected]);
  expect(milliseconds.map((side) => side.length)).toEqual([3, 3]);
  // Two copies of 6.9 MB of weights, and the runtime itself.
  expect(heapBytes).toBeGreaterThan(2 * 6.9e6);
});
