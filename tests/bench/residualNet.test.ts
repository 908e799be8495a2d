import { describe, expect, it } from 'vitest';
import { resnet20, resnet28 } from '../../bench/residualNet.ts';
import { memoryDataset } from '../../gpu-runner/engine/dataset.ts';
import { flatLength, layOutParameters } from '../../gpu-runner/engine/parameters.ts';
import { Random } from '../../gpu-runner/engine/random.ts';
import { train } from '../../gpu-runner/engine/train.ts';
import { inferShapes } from '../../gpu-runner/onnx/shapes.ts';

describe('resnet20()', () => {
  it('has the parameters of ResNet-20 with convolutions on its shortcuts', () => {
    expect(flatLength(layOutParameters(resnet20(1)))).toBe(272_474);
  });

  it('has a bias for each normalisation when it is folded', () => {
    // 784 channels are convolved to, the 96 of the shortcuts among them.
    expect(flatLength(layOutParameters(resnet20(1, { normalised: false })))).toBe(272_474 - 784);
  });

  it('ends in as many logits as there are classes', () => {
    expect(inferShapes(resnet20(1, { classes: 43 }), { image: [2, 3, 32, 32] }).get('logits')?.dims).toEqual([
      2, 43,
    ]);
  });

  it('learns a batch by heart', async () => {
    const random = new Random(2);
    const data = memoryDataset({
      sampleDims: [3, 32, 32],
      classes: 10,
      labels: Int32Array.from({ length: 8 }, (_, index) => index),
      inputs: Float32Array.from({ length: 8 * 3 * 32 * 32 }, () => random.normal()),
    });
    const { losses, graph } = await train({
      graph: resnet20(1),
      objectives: [{ input: 'image', output: 'logits', data, loss: 'softmax-cross-entropy' }],
      steps: 12,
      batchSize: 8,
      optimiser: { kind: 'sgd' },
      schedule: { learningRate: 0.05, decay: 'constant' },
      seed: 1,
      provider: 'cpu',
      threads: 1,
    });
    expect(losses[0]?.[0]).toBeGreaterThan(1.8);
    expect(losses.at(-1)?.[0]).toBeLessThan(0.5);
    expect(graph.initializers.get('stem.mean')?.data.some((value) => value !== 0)).toBe(true);
  });
});

describe('resnet28()', () => {
  it('has 28 layers with weights', () => {
    const graph = resnet28(1);
    expect(graph.nodes.filter(({ op }) => op === 'Conv' || op === 'Gemm')).toHaveLength(28);
    expect(flatLength(layOutParameters(graph))).toBe(369_690);
  });
});
