import { describe, expect, it } from 'vitest';
import { exportBundle } from '../../../gpu-runner/bundle/export.ts';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { uniformFanIn } from '../../../gpu-runner/engine/initialise.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { jointGraph, servingGraphs } from '../../../gpu-runner/mtz/wiring.ts';
import { zip } from '../../../gpu-runner/mtz/zip.ts';
import { Graph, int, ints, type Attribute } from '../../../gpu-runner/onnx/graph.ts';
import { recipe, type Wiring } from '../../../shared/recipe.ts';

const tasks = ['digit', 'fashion'];
const random = new Random(11);
const data = memoryDataset({
  sampleDims: [1, 8, 8],
  classes: 4,
  labels: new Int32Array(64),
  inputs: Float32Array.from({ length: 64 * 64 }, () => random.uniform()),
});

/** Conv 3x3 to 12 channels, 2x2 pooling, dense 32, dense 4. */
function network(name: string, seed: number): Graph {
  const graph = new Graph(name);
  const weights = new Random(seed);
  graph.inputs.push({ name: 'image', dtype: 'float32', dims: ['N', 1, 8, 8] });
  graph.outputs.push({ name: 'logits', dtype: 'float32', dims: ['N', 4] });
  const layer = (
    op: string,
    from: string,
    to: string,
    dims: number[] = [],
    attributes: Record<string, Attribute> = {},
  ) => {
    const inputs = [from];
    if (dims.length > 0) {
      const fanIn = dims.slice(1).reduce((a, b) => a * b);
      graph.initializers.set(`${to}.weight`, uniformFanIn(weights, dims, fanIn));
      graph.initializers.set(`${to}.bias`, uniformFanIn(weights, dims.slice(0, 1), fanIn));
      inputs.push(`${to}.weight`, `${to}.bias`);
    }
    graph.nodes.push({ name: to, op, domain: '', inputs, outputs: [to], attributes });
  };
  layer('Conv', 'image', 'conv', [12, 1, 3, 3]);
  layer('Relu', 'conv', 'relu');
  layer('MaxPool', 'relu', 'pool', [], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  layer('Flatten', 'pool', 'flat');
  layer('Gemm', 'flat', 'dense', [32, 108], { transB: int(1) });
  layer('Relu', 'dense', 'relu2');
  layer('Gemm', 'relu2', 'logits', [4, 32], { transB: int(1) });
  return graph;
}

/** Two untrained nets, zipped without retraining and exported. */
async function zipped(wiring: Wiring, share: number) {
  const asked = recipe.parse({
    wiring,
    share: { share },
    gramSamples: 64,
    retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 1, learningRate: 1 },
  });
  const sources = tasks.map((task, seed) => ({ task, graph: network(task, seed), train: data }));
  const { network: joint, sharing, retrainingSteps } = await zip(sources, asked, { provider: 'cpu' });
  const { trunk, heads } = servingGraphs(joint);
  const bundle = await exportBundle(
    {
      name: 'zipped',
      trunk,
      heads: heads.map((head) => ({ ...head, labels: [], accuracy: null })),
      preprocessing: 'none',
      recipe: asked,
      lineage: {
        models: tasks.map((task) => ({ task, name: task, sha256: '0'.repeat(64) })),
        retrainingSteps,
      },
      sharing: [...sharing],
    },
    { graph: jointGraph(joint), outputs: Object.fromEntries(tasks.map((task) => [task, task])) },
  );
  const { trunk: top, heads: served, files } = bundle.manifest;
  return {
    bundle,
    weightBytes: files
      .filter(({ path }) => path.endsWith('.weights'))
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    macs: [top, ...served].reduce((sum, part) => sum + (part?.macs ?? 0), 0),
  };
}

const hidden = 12 * 9 + 12 + 32 * 108 + 32;
const classifier = 4 * 32 + 4;
/** Weights start at multiples of 64 bytes, and shorter ones are stored in the graph. */
const slackBytes = 256;
const separateMacs = 2 * (36 * 12 * 9 + 32 * 108 + 4 * 32);

describe.each(['one-way', 'crossed', 'prefix'] as const)('a network zipped %s', (wiring) => {
  it('with everything shared is stored once and runs once, but for the classifiers', async () => {
    const { bundle, weightBytes, macs } = await zipped(wiring, 1);
    expect(Math.abs(weightBytes - 4 * (hidden + 2 * classifier))).toBeLessThan(slackBytes);
    expect(macs).toBe(separateMacs / 2 + 4 * 32);
    expect(bundle.manifest.parity.maxAbsDifference).toBeLessThan(1e-5);
    expect(bundle.manifest.sharing).toHaveLength(2);
  });
});

describe.each(['one-way', 'crossed'] as const)('a network zipped %s', (wiring) => {
  it('with half of the channels shared takes less than two networks, and computes what was zipped', async () => {
    const { bundle, weightBytes, macs } = await zipped(wiring, 0.5);
    expect(bundle.manifest.trunk).not.toBeNull();
    expect(weightBytes).toBeLessThan(0.9 * 4 * 2 * (hidden + classifier));
    expect(macs).toBeLessThan(separateMacs);
    expect(bundle.manifest.parity.maxAbsDifference).toBeLessThan(1e-5);
  });
});

it('networks that share nothing make a bundle without a trunk, every head a whole network', async () => {
  const { bundle, weightBytes, macs } = await zipped('one-way', 0);
  expect(bundle.manifest.trunk).toBeNull();
  expect(Math.abs(weightBytes - 4 * 2 * (hidden + classifier))).toBeLessThan(slackBytes);
  expect(macs).toBe(separateMacs);
});
