import { describe, expect, test } from 'vitest';
import type { InputAdaptation } from '../../../shared/recipe.ts';
import { adaptInput } from '../../../gpu-runner/mtz/adaptInput.ts';
import { netGraph } from '../../../gpu-runner/mtz/netGraph.ts';
import { readNet } from '../../../gpu-runner/mtz/readNet.ts';
import type { TaskNet } from '../../../gpu-runner/mtz/topology.ts';
import { int, type Graph } from '../../../gpu-runner/onnx/graph.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { answerOf, largestGap, randomInput } from './nets.ts';
import { NetBuilder, type Made } from './nets/builder.ts';
import { lenet } from './nets/lenet.ts';

const read = (graph: Graph): TaskNet => readNet(graph, 'digit', { batchNorm: 'fold' });

/** Pictures with one number a pixel of what `of` makes of its channels, as many times as asked. */
function mixed(from: Tensor<'float32'>, weights: readonly number[], times = 1): Tensor<'float32'> {
  const [batch = 0, channels = 0, height = 0, width = 0] = from.dims;
  const area = height * width;
  const data = Float32Array.from({ length: batch * times * area }, (_, index) => {
    const sample = Math.floor(index / (times * area));
    return weights.reduce((sum, weight, channel) => {
      return sum + weight * (from.data[(sample * channels + channel) * area + (index % area)] ?? 0);
    }, 0);
  });
  return { dtype: 'float32', dims: [batch, times, height, width], data };
}

/** A net that normalises what it is given, pools it, and convolves it with padding. */
function normalised(
  channels: number,
  means: readonly number[],
  after?: (net: NetBuilder, x: Made) => Made,
): Graph {
  const net = new NetBuilder('net', 2);
  let x = net.input([channels, 6, 6]);
  x = net.node('Sub', [x, net.constant('mean', means, [means.length, 1, 1])], x.dims);
  x = net.node('Div', [x, net.constant('deviation', [0.3], [])], x.dims);
  x = after ? after(net, x) : net.pool('AveragePool', x, { kernel: 2 });
  return net.end(net.dense('fc', net.flatten(net.relu(net.conv('conv1', x, 4))), 3));
}

describe('adaptInput', () => {
  test.each<[InputAdaptation, number[]]>([
    ['mean', [1 / 3, 1 / 3, 1 / 3]],
    ['luma', [0.299, 0.587, 0.114]],
  ])('adaptInput() lets a grey net see the %s of RGB', async (how, weights) => {
    const colours = randomInput([2, 3, 6, 6], 1);
    for (const graph of [normalised(1, [0.4]), lenet({ seed: 1, input: [1, 6, 6] })]) {
      const net = adaptInput(read(graph), 3, how);
      expect(net.topology.input.dims).toEqual([3, 6, 6]);
      expect(net.widths[0]).toBe(3);
      const answer = await answerOf(netGraph(net), colours);
      expect(largestGap(answer, await answerOf(graph, mixed(colours, weights)))).toBeLessThan(1e-5);
    }
  });

  test('adaptInput() lets an RGB net see grey, when that is asked for', async () => {
    const grey = randomInput([2, 1, 6, 6], 1);
    for (const graph of [normalised(3, [0.4, 0.4, 0.4]), lenet({ seed: 1, input: [3, 6, 6] })]) {
      const net = adaptInput(read(graph), 1, 'repeat');
      const answer = await answerOf(netGraph(net), grey);
      expect(largestGap(answer, await answerOf(graph, mixed(grey, [1], 3)))).toBeLessThan(1e-5);
    }
  });

  test('adaptInput() gives back a net that fits', () => {
    const net = read(lenet({ seed: 1 }));
    expect(adaptInput(net, 1, 'mean')).toBe(net);
  });

  const softened = (net: NetBuilder, x: Made): Made =>
    net.both('Mul', x, net.act('Softmax', x, { axis: int(1) }));
  test.each<[string, () => Graph, number, InputAdaptation, string]>([
    [
      'RGB to grey unless told how',
      () => lenet({ seed: 1, input: [3, 6, 6] }),
      1,
      'mean',
      'Cannot adapt the input of "digit" from 3 to 1 channels: "mean" is for grey nets, take "repeat"',
    ],
    [
      'grey to RGB by repeating',
      () => lenet({ seed: 1 }),
      3,
      'repeat',
      '"repeat" is for RGB nets, take "mean" or "luma"',
    ],
    [
      'other channels',
      () => lenet({ seed: 1 }),
      4,
      'mean',
      'from 1 to 4 channels: only grey and RGB are adapted',
    ],
    [
      'a maximum over the input',
      () => normalised(1, [0.4], (net, x) => net.pool('MaxPool', x, { kernel: 2 })),
      3,
      'mean',
      'MaxPool "MaxPool" treats each channel by itself',
    ],
    [
      'channels that are normalised differently',
      () => normalised(3, [0.4, 0.5, 0.6]),
      1,
      'repeat',
      'scales its channels differently; fold it into the first layer before',
    ],
    [
      'a head that reads the input',
      () => {
        const net = new NetBuilder('net', 1);
        const x = net.input([1, 4, 4]);
        const y = net.conv('conv1', x, 1);
        return net.end(net.flatten(net.both('Add', y, softened(net, x))));
      },
      3,
      'mean',
      'its head reads the input too',
    ],
  ])('adaptInput() refuses %s', (_, build, channels, how, message) => {
    expect(() => adaptInput(read(build()), channels, how)).toThrow(message);
  });
});
