import { describe, expect, test } from 'vitest';
import { adaptInput } from '../../../gpu-runner/mtz/adaptInput.ts';
import { align } from '../../../gpu-runner/mtz/align.ts';
import { foldInputNormalisation } from '../../../gpu-runner/mtz/foldInputNormalisation.ts';
import { netGraph } from '../../../gpu-runner/mtz/netGraph.ts';
import { readNet } from '../../../gpu-runner/mtz/readNet.ts';
import type { TaskNet } from '../../../gpu-runner/mtz/topology.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, largestGap, outputsOf, randomInput } from './nets.ts';
import { NetBuilder } from './nets/builder.ts';
import { lenet } from './nets/lenet.ts';

const read = (graph: Graph, task = 'digit'): TaskNet => readNet(graph, task, { batchNorm: 'fold' });

interface Options {
  readonly pad?: number;
  readonly stride?: number;
  readonly means?: readonly number[];
  readonly dense?: boolean;
  readonly pools?: boolean;
  /** Without normalisation. */
  readonly bare?: boolean;
}

/** A net whose first layer reads its normalised input. */
function normalised(options: Options = {}): Graph {
  const {
    pad = 0,
    stride = 1,
    means = [0.4, 0.5, 0.2],
    dense = false,
    pools = false,
    bare = false,
  } = options;
  const net = new NetBuilder('net', 2);
  let x = net.input([3, 6, 6]);
  if (!bare) {
    x = net.node('Sub', [x, net.constant('mean', means, [means.length, 1, 1])], x.dims);
    x = net.node('Div', [x, net.constant('deviation', [0.3, 0.2, 0.4], [3, 1, 1])], x.dims);
  }
  if (pools) x = net.pool('MaxPool', x, { kernel: 2 });
  if (!dense) x = net.relu(net.conv('conv1', x, 4, { pad, stride }));
  return net.end(net.dense('fc', net.flatten(x), 3));
}

describe('foldInputNormalisation', () => {
  test('foldInputNormalisation() is exact where nothing is padded', async () => {
    const graph = normalised();
    const { net, largestDifference } = foldInputNormalisation(read(graph));
    expect(largestDifference).toBe(0);
    expect(net.notes).toEqual([]);
    expect(net.topology.steps.map(({ kind }) => kind)).toEqual(['layer', 'plain', 'flatten', 'layer']);
    const input = randomInput([2, 3, 6, 6], 1);
    expect(largestGap(await answerOf(netGraph(net), input), await answerOf(graph, input))).toBeLessThan(1e-5);
    expect(align([net, read(normalised({ bare: true }), 'other')]).notes).toEqual([]);
  });

  test('foldInputNormalisation() is exact with padding where nothing is shifted', async () => {
    const graph = normalised({ pad: 1, means: [0] });
    const { net, largestDifference } = foldInputNormalisation(read(graph));
    expect(largestDifference).toBe(0);
    const input = randomInput([2, 3, 6, 6], 1);
    expect(largestGap(await answerOf(netGraph(net), input), await answerOf(graph, input))).toBeLessThan(1e-5);
  });

  test.each([1, 2])(
    'foldInputNormalisation() says by how much the border differs (stride %i)',
    async (stride) => {
      const graph = normalised({ pad: 2, stride });
      const before = read(graph);
      const { net, largestDifference } = foldInputNormalisation(before);
      const input = randomInput([1, 3, 6, 6], 1);
      const first = async (of: TaskNet): Promise<Float32Array> => {
        const whole = netGraph(of);
        whole.outputs = [{ name: 'conv1', dtype: 'float32', dims: ['N', 4, null, null] }];
        const { conv1 } = await outputsOf(whole, { image: input });
        if (conv1?.dtype !== 'float32') throw new Error('conv1 is not put out');
        return conv1.data;
      };
      // The difference does not depend on the input, so that the bound is reached.
      expect(largestGap(await first(net), await first(before))).toBeCloseTo(largestDifference, 4);
      expect(largestDifference).toBeGreaterThan(0.1);
      expect(net.notes).toEqual([
        `The input normalisation of "digit" is folded into its first layer, whose output at the padded border can differ by ${largestDifference.toPrecision(3)}`,
      ]);
    },
  );

  test('foldInputNormalisation() reaches a dense layer that reads the input flattened', async () => {
    const graph = normalised({ dense: true });
    const { net, largestDifference } = foldInputNormalisation(read(graph));
    expect(net.topology.steps.map(({ kind }) => kind)).toEqual(['flatten', 'layer']);
    expect(largestDifference).toBe(0);
    const input = randomInput([2, 3, 6, 6], 1);
    expect(largestGap(await answerOf(netGraph(net), input), await answerOf(graph, input))).toBeLessThan(1e-4);
  });

  test('foldInputNormalisation() says so where it cannot fold', () => {
    const { net } = foldInputNormalisation(read(normalised({ pools: true })));
    expect(net.topology.steps.map(({ kind }) => kind)).toEqual([
      ...['channelwise', 'plain', 'layer', 'plain', 'flatten', 'layer'],
    ]);
    expect(net.notes).toEqual([
      'The input normalisation of "digit" stays a step of its own: not only layers read it',
    ]);
  });

  test('foldInputNormalisation() leaves a net as it is that does not normalise', () => {
    const net = read(lenet({ seed: 1 }));
    expect(foldInputNormalisation(net)).toEqual({ net, largestDifference: 0 });
  });

  test('foldInputNormalisation() makes way for an input of other channels', async () => {
    const graph = normalised();
    const net = adaptInput(foldInputNormalisation(read(graph)).net, 1, 'repeat');
    const grey = randomInput([1, 1, 6, 6], 4);
    const colours = {
      ...{ dtype: 'float32' as const, dims: [1, 3, 6, 6] },
      data: Float32Array.of(...grey.data, ...grey.data, ...grey.data),
    };
    expect(largestGap(await answerOf(netGraph(net), grey), await answerOf(graph, colours))).toBeLessThan(
      1e-5,
    );
  });
});
