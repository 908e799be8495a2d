import { expect, test } from 'vitest';
import { align } from '../../../gpu-runner/mtz/align.ts';
import { netGraph } from '../../../gpu-runner/mtz/netGraph.ts';
import { isWhole, leftOut, placeNet } from '../../../gpu-runner/mtz/placeNet.ts';
import { readNet } from '../../../gpu-runner/mtz/readNet.ts';
import type { TaskNet } from '../../../gpu-runner/mtz/topology.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, largestGap, randomInput } from './nets.ts';
import { NetBuilder } from './nets/builder.ts';

/** Two layers whose outputs are added, or not; a third after them. */
function net(seed: number, adds: boolean, widths: readonly [number, number]): Graph {
  const made = new NetBuilder('net', seed);
  const y = made.relu(made.conv('conv1', made.input([2, 5, 5]), widths[0]));
  const z = made.conv('conv2', y, widths[1]);
  const x = made.relu(made.conv('conv3', adds ? made.both('Add', y, z) : z, 3));
  return made.end(made.dense('fc', made.flatten(made.globalPool(x)), 2));
}

const read = (graph: Graph, task: string): TaskNet => readNet(graph, task, { batchNorm: 'fold' });

function placed(graph: Graph): { net: TaskNet; topology: TaskNet['topology'] } {
  const others = ['a', 'b'].map((task, index) => read(net(index, true, [4, 4]), task));
  const own = align([...others, read(graph, 'c')]).nets[2];
  const topology = align(others).nets[0]?.topology;
  if (!own || !topology) throw new Error('not aligned');
  return { net: placeNet(own, topology), topology };
}

const stepsOf = ({ topology }: TaskNet): string[] => topology.steps.map(({ name }) => name);

test.each<[string, readonly [number, number], string[]]>([
  ['as many', [6, 6], ['/conv1/Conv', '/Relu', '/conv2/Conv']],
  ['another number of', [6, 5], ['/conv1/Conv', '/Relu']],
])(
  'placeNet() takes layers that only the others add up where they have %s channels',
  async (_, widths, steps) => {
    const graph = net(3, false, widths);
    const { net: own, topology } = placed(graph);
    expect(stepsOf(own)).toHaveLength(steps.length);
    expect(isWhole(own, topology)).toBe(false);
    const input = randomInput([2, 2, 5, 5], 1);
    expect(largestGap(await answerOf(netGraph(own), input), await answerOf(graph, input))).toBeLessThan(1e-5);
  },
);

test('placeNet() keeps all of a network that is as the others', () => {
  const { net: own, topology } = placed(net(3, true, [5, 5]));
  expect(isWhole(own, topology)).toBe(true);
  expect(own.topology).toEqual(topology);
});

test('leftOut() says where a network parts from the others, and what these go on sharing', () => {
  const { net: own, topology } = placed(net(3, false, [6, 5]));
  expect(leftOut(own, topology, ['"a" has Add, "c" Conv'])).toEqual([
    '"a" has Add, "c" Conv: from there on "c" stays in its head. "c" has 1 of the 4 layers that the others have in common; the others keep conv2, conv3 among themselves: what they share there is stored once and computed by each',
  ]);
  expect(leftOut(own, topology, [])[0]).toMatch(/^"c" ties other channels than the others: from there on/);
});
