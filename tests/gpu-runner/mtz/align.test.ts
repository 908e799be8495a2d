import { describe, expect, test } from 'vitest';
import { align } from '../../../gpu-runner/mtz/align.ts';
import { netGraph } from '../../../gpu-runner/mtz/netGraph.ts';
import { readNet } from '../../../gpu-runner/mtz/readNet.ts';
import { valueAt, type TaskNet } from '../../../gpu-runner/mtz/topology.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, largestGap, randomInput } from './nets.ts';
import { everyNet } from './nets/all.ts';
import { NetBuilder, type Made } from './nets/builder.ts';
import { inception } from './nets/inception.ts';
import { lenet } from './nets/lenet.ts';
import { mobilenet } from './nets/mobilenet.ts';
import { permutedNet } from './nets/permute.ts';
import { attentive, recurrent } from './nets/recurrent.ts';
import { resnet } from './nets/resnet.ts';

const tasks = ['a', 'b', 'c'];
const read = (graph: Graph, index = 0): TaskNet => readNet(graph, tasks[index] ?? '', { batchNorm: 'fold' });

/** Aligns graphs, and checks that each still computes what it did, and that they have one topology that holds. */
async function aligned(
  graphs: readonly Graph[],
): Promise<{ nets: readonly TaskNet[]; notes: readonly string[] }> {
  const result = align(graphs.map(read));
  const [first] = result.nets;
  for (const [index, net] of result.nets.entries()) {
    const graph = graphs[index];
    if (!graph) continue;
    expect(net.topology).toBe(first?.topology);
    expect(net.tail === null).toBe(net.topology.output !== null);
    const input = randomInput([2, ...net.topology.input.dims], 5);
    const answer = await answerOf(graph, input);
    expect(largestGap(await answerOf(netGraph(net), input), answer)).toBeLessThan(1e-5);
    const { net: copy } = permutedNet(net, 8);
    expect(largestGap(await answerOf(netGraph(copy), input), answer)).toBeLessThan(1e-5);
  }
  return result;
}

const layers = (net: TaskNet | undefined): string[] =>
  net?.topology.steps.filter(({ kind }) => kind === 'layer').map(({ name }) => name) ?? [];

/** A small net whose layers are given one by one. */
function built(seed: number, layersOf: (net: NetBuilder, x: Made) => Made): Graph {
  const net = new NetBuilder('net', seed);
  const x = layersOf(net, net.input([3, 6, 6]));
  return net.end(net.dense('fc', net.flatten(net.globalPool(x)), 3));
}

describe('align', () => {
  test.each(Object.entries(everyNet))('align() keeps all of two equal networks: %s', async (_, build) => {
    const graphs = [build(1), build(2)];
    const { nets, notes } = await aligned(graphs);
    expect(notes).toEqual([]);
    const own = read(build(1)).topology;
    expect(nets[0]?.topology).toEqual(own);
    expect([...(nets[1]?.weights.keys() ?? [])].sort()).toEqual([...(nets[0]?.weights.keys() ?? [])].sort());
  });

  test('align() takes other widths, other names and another number of classes', async () => {
    const renamed = lenet({ seed: 2, channels: [3, 8], hidden: 5, classes: 4 });
    renamed.initializers = new Map(
      [...renamed.initializers].map(([name, tensor]) => [`other.${name}`, tensor]),
    );
    for (const node of renamed.nodes) {
      node.name = `other${node.name}`;
      node.inputs = node.inputs.map((name) =>
        renamed.initializers.has(`other.${name}`) ? `other.${name}` : name,
      );
    }
    const { nets, notes } = await aligned([lenet({ seed: 1 }), renamed, lenet({ seed: 3, hidden: 6 })]);
    expect(notes).toEqual([]);
    expect(nets.map(({ widths }) => widths)).toEqual([
      [1, 4, 6, 10, 3],
      [1, 3, 8, 5, 4],
      [1, 4, 6, 6, 3],
    ]);
    expect([...(nets[1]?.weights.keys() ?? [])]).toEqual(['conv1', 'conv2', 'fc1', 'fc2']);
  });

  test('align() does not mind in which order a file has summands', async () => {
    const other = resnet({ seed: 2, channels: [3, 5] });
    for (const node of other.nodes) if (node.op === 'Add') node.inputs.reverse();
    const { notes } = await aligned([resnet({ seed: 1 }), other]);
    expect(notes).toEqual([]);
  });

  test('align() takes gates of dense layers and of 1x1 convolutions for the same', async () => {
    const { notes } = await aligned([
      mobilenet({ seed: 1, gate: 'dense' }),
      mobilenet({ seed: 2, gate: 'conv' }),
    ]);
    expect(notes).toEqual([]);
  });

  test('align() sends what differs to the heads and says in what', async () => {
    const graphs = [3, 5].map((kernel) =>
      built(kernel, (net, x) => {
        const y = net.relu(net.conv('conv1', x, 4));
        return net.relu(net.conv('conv3', net.relu(net.conv('conv2', y, 4, { kernel })), 5));
      }),
    );
    const { nets, notes } = await aligned(graphs);
    expect(layers(nets[0])).toEqual(['conv1']);
    expect(notes).toEqual([
      'conv "conv2" of "a" has kernel 3x3, conv "conv2" of "b" 5x5: from there on both stay in their heads',
    ]);
    expect(nets.map(({ tail }) => tail?.graph.nodes.map(({ op }) => op))).toEqual(
      [0, 1].map(() => ['Conv', 'Relu', 'Conv', 'Relu', 'GlobalAveragePool', 'Flatten', 'Gemm']),
    );
  });

  test('align() names the one of three networks that parts from the others', async () => {
    const graphs = [3, 3, 5].map((kernel, seed) =>
      built(seed, (net, x) => net.relu(net.conv('conv2', net.conv('conv1', x, 4), 4, { kernel }))),
    );
    expect((await aligned(graphs)).notes).toEqual([
      'conv "conv2" of "a" has kernel 3x3, conv "conv2" of "c" 5x5: from there on both stay in their heads',
    ]);
  });

  test('align() keeps branches that all networks have beside one that differs', async () => {
    const graphs = [1, 3].map((kernel) =>
      built(kernel, (net, x) => {
        const y = net.relu(net.conv('stem', x, 4));
        return net.concat([
          net.conv('left', y, 2),
          net.conv('middle', y, 3, { kernel, dilation: 2 }),
          net.relu(net.conv('right', y, 2, { dilation: 3 })),
        ]);
      }),
    );
    const { nets, notes } = await aligned(graphs);
    expect(layers(nets[0])).toEqual(['stem', 'left', 'right']);
    expect(nets[0]?.tail?.reads).toHaveLength(3);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/^conv "middle" of "a" has kernel 1x1, conv "middle" of "b" 3x3/);
  });

  test('align() keeps the layers before one network ends, and not its answer', async () => {
    const [short, long] = [resnet({ seed: 1, channels: [4] }), resnet({ seed: 2, channels: [4, 6] })];
    const { nets, notes } = await aligned([short, long]);
    expect(layers(nets[0])).toEqual(['conv1', 'layer1.0.conv1', 'layer1.0.conv2']);
    expect(nets[0]?.topology.groups.map(({ pinned }) => pinned !== null)).toEqual([true, false, false]);
    expect(notes).toEqual([
      '"a" has GlobalAveragePool "GlobalAveragePool", "b" conv "layer2.0.conv1" (kernel 3x3, strides 2x2, pads 1,1,1,1, dilations 1x1): from there on both stay in their heads',
    ]);
    expect((await aligned([long, short])).nets[1]?.tail?.graph.nodes.at(-1)?.op).toBe('Gemm');
  });

  test("align() leaves logits in the head that are another network's hidden channels", async () => {
    const deep = (hidden: number): Graph => {
      const net = new NetBuilder('net', hidden);
      let x = net.dense('fc1', net.input([6]), 5);
      for (let layer = 0; layer < hidden; layer += 1) x = net.dense(`more${layer}`, x, 3);
      return net.end(x);
    };
    const { nets, notes } = await aligned([deep(1), deep(2)]);
    expect(layers(nets[0])).toEqual(['fc1']);
    expect(nets.map(({ tail }) => tail?.graph.nodes.length)).toEqual([1, 2]);
    expect(notes).toEqual([
      'dense layer "more0" of "a" is used otherwise than dense layer "more0" of "b": from there on both stay in their heads',
    ]);
  });

  test('align() forgets what tied channels only in the heads', async () => {
    const net = (seed: number, adds: boolean): Graph =>
      built(seed, (made, x) => {
        const y = made.conv('conv1', x, 4);
        const z = made.conv('conv2', y, 4);
        return adds ? made.both('Add', y, z) : z;
      });
    const { nets } = await aligned([net(1, true), net(2, false)]);
    const groups = nets[0]?.topology.steps.map(
      ({ output }) => nets[0] && valueAt(nets[0].topology, output).segments,
    );
    expect(groups).toEqual([[{ group: 1, area: 1 }], [{ group: 2, area: 1 }]]);
    expect(nets[0]?.tail?.reads).toEqual([2, 1]);
  });

  test('align() finds what networks with different heads have in common', async () => {
    const one = recurrent({ seed: 1 });
    const other = built(2, (net) => {
      net.graph.inputs = [];
      let x = net.relu(net.norm('bn', net.conv('first', net.input([1, 6, 6]), 3)));
      x = net.relu(net.conv('second', x, 4, { stride: 2 }));
      return net.conv('third', x, 4);
    });
    const { nets, notes } = await aligned([one, other]);
    expect(layers(nets[0])).toEqual(['conv1', 'conv2']);
    expect(nets.map(({ widths }) => widths)).toEqual([
      [1, 4, 5],
      [1, 3, 4],
    ]);
    expect(notes).toEqual([
      '"b" goes on with conv "third" where the steps of "a" end: from there on both stay in their heads',
    ]);
  });

  test('align() lets networks that do not normalise their input scale it by one', async () => {
    const net = (seed: number, normalises: boolean): Graph =>
      built(seed, (made, x) => {
        const scale = made.weight('scale', [1, 3, 1, 1], 0.2, 1);
        return made.relu(made.conv('conv1', normalises ? made.node('Mul', [x, scale], x.dims) : x, 4));
      });
    const { nets, notes } = await aligned([net(1, false), net(2, true), net(3, false)]);
    expect(nets[0]?.topology.output).not.toBeNull();
    expect(nets.map(({ weights }) => weights.get('normalise')?.weight.data.join())).toEqual([
      '1,1,1',
      nets[1]?.weights.get('normalise')?.weight.data.join(),
      '1,1,1',
    ]);
    expect(notes).toEqual(['The input is normalised by "b" only; the others scale it by 1']);
  });

  test('align() makes weights of the numbers in which networks differ', async () => {
    const net = (seed: number, factor: number): Graph =>
      built(seed, (made, x) => {
        const y = made.relu(made.conv('conv1', x, 2 + seed));
        const scaled = made.node('Mul', [y, made.constant('factor', [factor], [])], y.dims);
        return made.node('Add', [made.relu(scaled), made.constant('three', [3], [])], y.dims);
      });
    const { nets, notes } = await aligned([net(1, 0.3), net(2, 0.5)]);
    expect(notes).toEqual([]);
    expect(
      nets[0]?.topology.steps.slice(2, 5).map((step) => (step.kind === 'plain' ? step.op : step.kind)),
    ).toEqual([...['channelwise', 'Relu', 'Add']]);
    const numbers = nets.map(({ weights }) => Array.from(weights.get('Mul')?.weight.data ?? []));
    expect(numbers).toEqual([new Array(3).fill(Math.fround(0.3)), new Array(4).fill(0.5)]);
    const { nets: equal } = await aligned([net(1, 0.3), net(2, 0.3)]);
    expect(equal[0]?.topology.steps[2]).toMatchObject({
      kind: 'plain',
      op: 'Mul',
      scalars: [Math.fround(0.3)],
    });
  });

  test('align() takes two attentive networks apart where attention begins', async () => {
    const { nets } = await aligned([attentive({ seed: 1 }), attentive({ seed: 2, channels: 3 })]);
    expect(layers(nets[0])).toEqual(['conv1', 'conv2']);
    expect(nets.map(({ notes }) => notes.length)).toEqual([1, 1]);
  });

  test('align() tells equal branches apart by their order', async () => {
    const twins = [[2, 3, 2, 2] as const];
    const { nets, notes } = await aligned([
      inception({ seed: 1, modules: twins }),
      inception({ seed: 2, modules: [[3, 2, 4, 3]] }),
    ]);
    expect(notes).toEqual([]);
    expect(nets[1]?.widths.slice(2, -1)).toEqual([3, 2, 2, 2, 4, 4, 3]);
  });

  test.each<[string, () => TaskNet[], string]>([
    ['no network', () => [], 'Cannot zip: no network is given'],
    [
      'a task that is there twice',
      () => [read(lenet({ seed: 1 })), read(lenet({ seed: 2 }))],
      'Cannot zip a, a: a task appears twice',
    ],
    [
      'inputs of different dims',
      () => [read(lenet({ seed: 1 })), read(lenet({ seed: 2, input: [3, 12, 12] }), 1)],
      'Cannot zip "a" with "b": their inputs are [1,12,12] and [3,12,12]',
    ],
    [
      'networks that begin differently',
      () => [
        read(built(1, (net, x) => net.conv('conv1', x, 4, { kernel: 5 }))),
        read(
          built(2, (net, x) => net.conv('conv1', x, 4, { stride: 2, pad: 2, kernel: 5 })),
          1,
        ),
      ],
      'Cannot zip "a" with "b": they have no layer in common; conv "conv1" of "a" has strides 1x1, conv "conv1" of "b" 2x2',
    ],
  ])('align() refuses %s', (_, nets, message) => {
    expect(() => align(nets())).toThrow(message);
  });
});
