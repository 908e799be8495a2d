import { describe, expect, test } from 'vitest';
import { multiTaskGraph } from '../../../bench/zip/controls.ts';
import { buildNet, type NetSpec } from '../../../bench/zip/nets.ts';
import { flatLength, layOutParameters } from '../../../gpu-runner/engine/parameters.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import type { Tensor } from '../../../shared/tensor.ts';

const vgg: NetSpec = { kind: 'vgg-11', widths: [2, 3, 4, 5], normalised: true };
const random = new Random(1);
const image: Tensor<'float32'> = {
  ...{ dtype: 'float32', dims: [2, 3, 32, 32] },
  data: Float32Array.from({ length: 2 * 3 * 32 * 32 }, () => random.uniform()),
};

async function answers(graph: Graph, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await createSession(graph, { provider: 'cpu' });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

describe('multiTaskGraph()', () => {
  const nets = [
    { task: 'first', graph: buildNet(vgg, 4, 1) },
    { task: 'second', graph: buildNet(vgg, 6, 2) },
  ];

  test('has one trunk, and a last layer and running statistics for every task', () => {
    const joint = multiTaskGraph(nets);
    const [own = 0, other = 0] = nets.map(({ graph }) => flatLength(layOutParameters(graph)));
    expect(flatLength(layOutParameters(joint))).toBe(own + 6 * 5 + 6);
    expect(other).toBe(own + 2 * 5 + 2);
    expect(joint.initializers.has('conv3.mean@first')).toBe(true);
    expect(joint.initializers.has('conv3.mean@second')).toBe(true);
    expect(joint.inputs.map(({ name }) => name)).toEqual(['image@first', 'image@second']);
  });

  test('answers the first task as its own network does', async () => {
    const alone = await answers(nets[0]?.graph as Graph, { image });
    const joint = await answers(multiTaskGraph(nets), { 'image@first': image, 'image@second': image });
    expect(joint['first']?.data).toEqual(alone['logits']?.data);
    expect(joint['second']?.dims).toEqual([2, 6]);
  });
});
