/**
 * Trains the two nets that ship with the examples, from scratch, and writes nets/<task>.onnx and nets/<task>.json.
 *
 *   node examples/train.ts [--threads N] [digit] [fashion]
 *
 * 15,000 steps a net took twelve minutes on one core of a busy machine. A run that was stopped goes on where it saved
 * last (.cache/training/). Nothing is trained on the validation and test images.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { train } from '../gpu-runner/engine/train.ts';
import type { TrainState } from '../gpu-runner/engine/trainState.ts';
import { accuracyOf } from '../gpu-runner/mtz/evaluate.ts';
import { writeModel } from '../gpu-runner/onnx/write.ts';
import { lenet } from './lenet.ts';
import { netsFolder, type NetInfo } from './nets.ts';
import { readTask, taskNames, type TaskName } from './tasks.ts';

const training: NetInfo['training'] = {
  steps: 15_000,
  batchSize: 64,
  learningRate: 0.002,
  weightDecay: 0.05,
  seed: 1,
};
const saveEvery = 1000;

const { values: options, positionals: wanted } = parseArgs({
  options: { threads: { type: 'string' } },
  allowPositionals: true,
});
const threads = options.threads === undefined ? {} : { threads: Number(options.threads) };
const unknown = wanted.filter((task) => !taskNames.includes(task as TaskName));
if (unknown.length > 0)
  throw new Error(`Cannot train ${unknown.join(', ')}: the tasks are ${taskNames.join(', ')}`);
for (const task of taskNames) if (wanted.length === 0 || wanted.includes(task)) await trainNet(task);

async function trainNet(task: TaskName): Promise<void> {
  const { dataset, labels, train: images, validation, test } = await readTask(task);
  const { steps, batchSize, learningRate, weightDecay, seed } = training;
  const checkpoint = await openCheckpoint(task);
  const { graph } = await train({
    graph: lenet(task, labels.length, seed),
    objectives: [
      {
        input: 'image',
        output: 'logits',
        data: images,
        loss: 'softmax-cross-entropy',
      },
    ],
    steps,
    batchSize,
    optimiser: { kind: 'adamw', weightDecay },
    schedule: { learningRate, warmUpSteps: Math.round(steps / 20) },
    seed,
    provider: 'cpu',
    ...threads,
    checkpoint: { ...checkpoint, every: saveEvery },
    onProgress({ step, losses, stepsPerSecond, etaMs }) {
      if (step % 100 !== 0) return;
      const loss = (losses[0] ?? NaN).toFixed(4);
      console.log(
        `${task} ${step}/${steps}  loss ${loss}  ${stepsPerSecond.toFixed(0)} steps/s  ${Math.ceil(etaMs / 1000)} s left`,
      );
    },
  });
  const measure = async (data: typeof test): Promise<NetInfo['test']> => ({
    fraction: await accuracyOf(graph, data, { provider: 'cpu' }),
    samples: data.size,
  });
  const bytes = writeModel(graph);
  const info: NetInfo = {
    task,
    dataset,
    labels: [...labels],
    training,
    validation: await measure(validation),
    test: await measure(test),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  await mkdir(netsFolder, { recursive: true });
  await writeFile(join(netsFolder, `${task}.onnx`), bytes);
  await writeFile(join(netsFolder, `${task}.json`), `${JSON.stringify(info, null, 2)}\n`);
  await checkpoint.remove();
  console.log(
    `${task}: ${(100 * info.test.fraction).toFixed(2)} % of ${info.test.samples} test images answered right`,
  );
}

interface SavedRun {
  readonly training: NetInfo['training'];
  readonly state: TrainState;
}

/** The state of a stopped run with the same settings, and where to save the next ones. */
async function openCheckpoint(task: TaskName) {
  const folder = join(import.meta.dirname, '../.cache/training');
  const path = join(folder, `${task}.state`);
  await mkdir(folder, { recursive: true });
  const saved = existsSync(path) ? (deserialize(await readFile(path)) as SavedRun) : undefined;
  const usable = saved !== undefined && JSON.stringify(saved.training) === JSON.stringify(training);
  if (usable) console.log(`${task}: going on after step ${saved.state.step}`);
  return {
    ...(usable && { from: saved.state }),
    async save(state: TrainState) {
      await writeFile(`${path}.partial`, serialize({ training, state } satisfies SavedRun));
      await rename(`${path}.partial`, path);
    },
    remove: () => rm(path, { force: true }),
  };
}
