import { describe, expect, test } from 'vitest';
import { matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { inputScaleOf } from '../../../gpu-runner/mtz/inputScale.ts';
import { netGraph } from '../../../gpu-runner/mtz/netGraph.ts';
import { readNet } from '../../../gpu-runner/mtz/readNet.ts';
import { throughScale } from '../../../gpu-runner/mtz/throughScale.ts';
import type { TaskNet, Weights } from '../../../gpu-runner/mtz/topology.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, largestGap, randomInput } from './nets.ts';
import { NetBuilder, type Made } from './nets/builder.ts';

const scaleBy = (...values: number[]): Weights => ({
  weight: matrix(values.length, 1, Float64Array.from(values)),
  bias: Float64Array.from([1, -1, 0.5].slice(0, values.length)),
});

/** A net that scales its input, or does not, before some first layer. */
function net(scales: boolean, first: (net: NetBuilder, x: Made) => Made): Graph {
  const made = new NetBuilder('net', 4);
  const image = made.input([3, 5, 5]);
  const own = made.weight('own', [1, 3, 1, 1], 0.2, 1);
  const x = first(made, scales ? made.node('Mul', [image, own], image.dims) : image);
  return made.end(made.dense('fc', made.flatten(made.globalPool(made.relu(x))), 3));
}

const scaleOf = (net: TaskNet): number[] => {
  const step = inputScaleOf(net);
  return step ? [...(net.weights.get(step.name)?.weight.data ?? [])] : [];
};

async function gap(read: TaskNet, graph: Graph): Promise<number> {
  const input = randomInput([2, 3, 5, 5], 7);
  return largestGap(await answerOf(netGraph(read), input), await answerOf(graph, input));
}

describe('throughScale', () => {
  const conv = (made: NetBuilder, x: Made, pad = 0): Made => made.conv('conv1', x, 4, { pad });

  test.each([true, false])(
    'throughScale() reads the input through another scale and computes the same (scaled before: %s)',
    async (scales) => {
      const graph = net(scales, conv);
      const read = throughScale(readNet(graph, 'digit', { batchNorm: 'fold' }), scaleBy(2, 4, -8));
      expect(scaleOf(read)).toEqual([2, 4, -8]);
      expect(read.notes).toEqual([]);
      expect(await gap(read, graph)).toBeLessThan(1e-5);
    },
  );

  test('throughScale() says what differs at a padded border', () => {
    const graph = net(true, (made, x) => conv(made, x, 1));
    const read = throughScale(readNet(graph, 'digit', { batchNorm: 'fold' }), scaleBy(2, 4, -8));
    expect(read.notes).toEqual([expect.stringContaining('whose output at the padded border can differ by')]);
  });

  test.each<[string, Weights, (made: NetBuilder, x: Made) => Made]>([
    ['a channel is lost', scaleBy(2, 0, 8), conv],
    ['there are other channels', scaleBy(2), conv],
    [
      'not only layers read it',
      scaleBy(2, 4, -8),
      (made, x) =>
        made.concat([
          made.conv('conv1', made.pool('MaxPool', x, { kernel: 5 }), 4, { kernel: 1 }),
          made.globalPool(x),
        ]),
    ],
  ])('throughScale() leaves a network its own scale where %s', async (_, scale, first) => {
    const graph = net(true, first);
    const before = readNet(graph, 'digit', { batchNorm: 'fold' });
    const read = throughScale(before, scale);
    expect(scaleOf(read)).toEqual(scaleOf(before));
    expect(await gap(read, graph)).toBeLessThan(1e-5);
  });
});
