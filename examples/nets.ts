import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Graph } from '../gpu-runner/onnx/graph.ts';
import { readModel } from '../gpu-runner/onnx/read.ts';
import type { TaskName } from './tasks.ts';

export const netsFolder = join(import.meta.dirname, 'nets');

/** Fraction of samples answered right, 0 to 1. */
const accuracy = z.strictObject({ fraction: z.number().min(0).max(1), samples: z.int().min(1) });

/** What is known about a trained net, in `nets/<task>.json` beside its ONNX file. */
export const netInfo = z.strictObject({
  task: z.enum(['digit', 'fashion']),
  dataset: z.string(),
  labels: z.array(z.string()),
  training: z.strictObject({
    steps: z.int().min(1),
    batchSize: z.int().min(1),
    learningRate: z.number().positive(),
    weightDecay: z.number().min(0),
    seed: z.int().min(0),
  }),
  validation: accuracy,
  test: accuracy,
  /** Of the ONNX file. */
  sha256: z.string(),
});
export type NetInfo = z.infer<typeof netInfo>;

export interface ExampleNet {
  readonly graph: Graph;
  readonly info: NetInfo;
  /** Of the ONNX file. */
  readonly sizeBytes: number;
}

/** Reads one of the two trained nets that ship with the examples. @throws {Error} when its file is not the trained one */
export async function readNet(task: TaskName, folder = netsFolder): Promise<ExampleNet> {
  const info = netInfo.parse(JSON.parse(await readFile(join(folder, `${task}.json`), 'utf8')));
  const bytes = await readFile(join(folder, `${task}.onnx`));
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== info.sha256)
    throw new Error(
      `Cannot read net ${task}: ${task}.onnx has the digest ${digest}, ${task}.json says ${info.sha256}`,
    );
  return { graph: readModel(bytes), info, sizeBytes: bytes.length };
}
