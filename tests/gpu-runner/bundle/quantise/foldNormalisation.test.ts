import { describe, expect, it } from 'vitest';
import { foldNormalisation } from '../../../../gpu-runner/bundle/quantise/foldNormalisation.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { validate } from '../../../../gpu-runner/onnx/validate.ts';
import { NetBuilder } from '../../mtz/nets/builder.ts';
import { resnet } from '../../mtz/nets/resnet.ts';

async function answer(graph: Graph): Promise<Float32Array> {
  const random = new Random(2);
  const [input] = graph.inputs;
  const dims = [4, ...(input?.dims.slice(1) ?? [])] as number[];
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal());
  const session = await createSession(graph, { provider: 'cpu' });
  const outputs = await session.run({ [input?.name ?? '']: { dtype: 'float32', dims, data } });
  await session.release();
  return Object.values(outputs)[0]?.data as Float32Array;
}

const ops = (graph: Graph): string[] => graph.nodes.map(({ op }) => op);

async function expectSame(one: Graph, other: Graph): Promise<void> {
  const [expected, found] = [await answer(one), await answer(other)];
  for (const [index, value] of expected.entries()) expect(found[index]).toBeCloseTo(value, 4);
}

describe('foldNormalisation()', () => {
  it('takes every normalisation of a residual net into its convolutions and computes the same', async () => {
    const graph = resnet({ seed: 1, blocks: 2 });
    const folded = foldNormalisation(graph);
    validate(folded);
    expect(ops(graph)).toContain('BatchNormalization');
    expect(ops(folded)).not.toContain('BatchNormalization');
    await expectSame(graph, folded);
  });

  it('leaves one that does not follow a convolution, or not alone', async () => {
    const net = new NetBuilder('odd', 3);
    const image = net.norm('first', net.input([3, 6, 6]));
    const conv = net.conv('conv', image, 4);
    const graph = net.end(net.both('Add', net.norm('second', conv), conv));
    const folded = foldNormalisation(graph);
    expect(ops(folded)).toEqual(ops(graph));
    await expectSame(graph, folded);
  });

  it('does not change the weights of a convolution that shares them', async () => {
    const net = new NetBuilder('shared', 3);
    const image = net.input([3, 6, 6]);
    const left = net.norm('norm', net.conv('conv', image, 4));
    const graph = net.graph;
    graph.nodes.push({
      ...(graph.nodes[0] ?? { op: '', domain: '', inputs: [], attributes: {} }),
      name: 'again',
      outputs: ['again'],
    });
    net.end(net.both('Add', left, { name: 'again', dims: left.dims }));
    const folded = foldNormalisation(graph);
    expect(ops(folded)).not.toContain('BatchNormalization');
    await expectSame(graph, folded);
  });

  it('leaves the graph it was given as it is', () => {
    const graph = resnet({ seed: 1 });
    const before = ops(graph);
    foldNormalisation(graph);
    expect(ops(graph)).toEqual(before);
  });
});
