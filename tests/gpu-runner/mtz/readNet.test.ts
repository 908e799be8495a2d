import { describe, expect, test } from 'vitest';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { netGraph } from '../../../gpu-runner/mtz/netGraph.ts';
import { readNet, type ReadOptions } from '../../../gpu-runner/mtz/readNet.ts';
import { answerOf, largestGap, randomInput } from './nets.ts';
import { everyNet } from './nets/all.ts';

const fold: ReadOptions = { batchNorm: 'fold' };
const perTask: ReadOptions = { batchNorm: 'per-task' };

/** How far a graph's answers move when it is read and written again. */
async function roundTripGap(graph: Graph, options: ReadOptions = fold): Promise<number> {
  const net = readNet(graph, 'digit', options);
  const input = randomInput([2, ...net.topology.input.dims], 7);
  return largestGap(await answerOf(netGraph(net), input), await answerOf(graph, input));
}

describe('readNet', () => {
  test.each(Object.entries(everyNet))('readNet() keeps what a network computes: %s', async (_, build) => {
    expect(await roundTripGap(build(1))).toBeLessThan(1e-5);
    expect(await roundTripGap(build(1), perTask)).toBeLessThan(1e-5);
  });
});
