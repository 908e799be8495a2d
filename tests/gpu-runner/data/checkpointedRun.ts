/**
 * A small run for tests of checkpoints. Started as a process, with the path of the checkpoint, it trains and tells its
 * parent of every step.
 */
import { checkpointAt } from '../../../gpu-runner/data/checkpointAt.ts';
import { train, type TrainOptions } from '../../../gpu-runner/engine/train.ts';
import { convNet, patterns } from '../engine/tinyNets.ts';

export const checkpointedRun = (): TrainOptions => ({
  graph: convNet(),
  objectives: [{ input: 'image', output: 'logits', data: patterns(), loss: 'softmax-cross-entropy' }],
  steps: 40,
  batchSize: 16,
  optimiser: { kind: 'adamw' },
  schedule: { learningRate: 0.01 },
  seed: 1,
  provider: 'cpu',
  threads: 1,
});

const path = process.argv[2];
if (import.meta.filename === process.argv[1] && path !== undefined) {
  const options = checkpointedRun();
  await train({
    ...options,
    checkpoint: await checkpointAt(path, options, 2),
    onProgress: ({ step }) => process.send?.(step),
  });
}
