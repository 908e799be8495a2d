import { describe, expect, test } from 'vitest';
import { netGraph } from '../../../../gpu-runner/mtz/netGraph.ts';
import { readNet } from '../../../../gpu-runner/mtz/readNet.ts';
import type { TaskNet } from '../../../../gpu-runner/mtz/topology.ts';
import { zip, type Source } from '../../../../gpu-runner/mtz/zip.ts';
import { row } from '../../../../gpu-runner/linalg/matrix.ts';
import { float, type Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { recipe as recipeSchema, type Recipe } from '../../../../shared/recipe.ts';
import { answerOf, largestGap, randomInput } from '../nets.ts';
import { randomSamples } from '../networks.ts';
import { NetBuilder, type Made } from '../nets/builder.ts';
import { densenet } from '../nets/densenet.ts';
import { resnet } from '../nets/resnet.ts';

type BatchNorm = Recipe['batchNorm'];

const factors = [0.2, 3, 0.5, 7];

/** Multiplies rows of a weight, from the first on. */
function scaleFirst(graph: Graph, name: string, by: (factor: number) => number): void {
  const tensor = graph.initializers.get(name);
  if (tensor?.dtype !== 'float32') throw new Error(`no ${name}`);
  const length = (tensor.dims as number[]).slice(1).reduce((product, size) => product * size, 1);
  const data = tensor.data.map((value, at) => value * by(factors[Math.floor(at / length)] ?? 1));
  graph.initializers.set(name, { ...tensor, data });
}

/** A graph whose first channels come out of some convolutions larger, and whose normalisations know of it. */
function scaled(graph: Graph, convs: RegExp, norms: RegExp): Graph {
  const copy = graph.clone();
  for (const name of graph.initializers.keys()) {
    if (convs.test(name)) scaleFirst(copy, name, (factor) => factor);
    if (norms.test(name) && name.endsWith('running_mean')) scaleFirst(copy, name, (factor) => factor);
    if (norms.test(name) && name.endsWith('running_var')) scaleFirst(copy, name, (factor) => factor ** 2);
  }
  return copy;
}

/** Without what keeps a variance from 0, so that scaled networks are equal and not nearly so. */
function exact(graph: Graph): Graph {
  for (const node of graph.nodes) if (node.op === 'BatchNormalization') node.attributes['epsilon'] = float(0);
  return graph;
}

const families: readonly (readonly [string, (seed: number) => Graph, RegExp, RegExp])[] = [
  [
    'DenseNet',
    (seed) => exact(densenet({ seed, blocks: [2, 1] })),
    /^conv0\.weight/,
    /^(denseblock1\.denselayer\d\.norm1|transition1\.norm)\./,
  ],
  [
    'pre-activation ResNet',
    (seed) => exact(resnet({ seed, block: 'pre' })),
    /^(conv1|layer1\.\d\.conv2)\.weight/,
    /^(layer1\.\d\.bn1|layer2\.0\.bn1)\./,
  ],
];

const read = (graph: Graph, batchNorm: BatchNorm): TaskNet => readNet(graph, 'digit', { batchNorm });

/** The largest relative difference of two networks' weights. */
function difference(a: TaskNet, b: TaskNet): number {
  return Math.max(
    ...[...a.weights].map(([name, { weight, bias }]) => {
      const other = b.weights.get(name);
      const size = Math.max(...weight.data.map(Math.abs), ...bias.map(Math.abs));
      const gaps = [
        ...weight.data.map((value, at) => Math.abs(value - (other?.weight.data[at] ?? NaN))),
        ...bias.map((value, at) => Math.abs(value - (other?.bias[at] ?? NaN))),
      ];
      return Math.max(...gaps) / size;
    }),
  );
}

describe.each(families)('%s', (_, net, convs, norms) => {
  test.each<BatchNorm>(['fold', 'per-task'])(
    'is read the same whatever the scale of channels that are only normalised (%s)',
    async (batchNorm) => {
      const graph = net(1);
      const other = scaled(graph, convs, norms);
      const [one, two] = [read(graph, batchNorm), read(other, batchNorm)];
      expect(difference(one, two)).toBeLessThan(1e-5);
      const input = randomInput([3, ...one.topology.input.dims], 7);
      const answer = await answerOf(graph, input);
      expect(largestGap(await answerOf(netGraph(one), input), answer)).toBeLessThan(1e-5);
      expect(largestGap(await answerOf(netGraph(two), input), answer)).toBeLessThan(1e-5);
    },
  );

  test.each<BatchNorm>(['fold', 'per-task'])(
    'shares the same pairs at the same cost whatever that scale (%s)',
    async (batchNorm) => {
      const recipe = recipeSchema.parse({
        ...{ wiring: 'crossed', batchNorm, share: { share: 0.5 }, gramSamples: 30 },
        retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.01 },
      });
      const source = (task: string, graph: Graph, seed: number): Source => ({
        ...{ task, graph, train: randomSamples([3, 8, 8], 30, seed) },
      });
      const shared = async (second: Graph) =>
        (
          await zip([source('digit', net(1), 11), source('fashion', second, 12)], recipe, {
            provider: 'cpu',
          })
        ).sharing;
      const [one, two] = [await shared(net(2)), await shared(scaled(net(2), convs, norms))];
      expect(one.length).toBeGreaterThan(2);
      for (const [index, { channels, cost }] of one.entries()) {
        expect(two[index]?.channels).toEqual(channels);
        expect(Math.abs((two[index]?.cost ?? NaN) - cost)).toBeLessThan(1e-3 * cost);
      }
    },
  );
});

describe('toUnitVariance', () => {
  /** Weights of the second of two convolutions as read, over those in the file, by channel. */
  function ratios(middle: (net: NetBuilder, x: Made) => Made[]): number[] {
    const net = new NetBuilder('net', 3);
    const x = net.conv('conv2', net.relu(net.conv('conv1', net.input([3, 6, 6]), 4)), 2);
    const parts = middle(net, x).map((part) => net.flatten(net.globalPool(part)));
    const graph = net.end(net.dense('fc', net.concat(parts), 3));
    const { weight } = read(graph, 'fold').weights.get('conv2') ?? {};
    const stored = graph.initializers.get('conv2.weight')?.data;
    if (!weight || !stored) throw new Error('no weights');
    return [0, 1].map((channel) => (row(weight, channel)[0] ?? 0) / Number(stored[channel * weight.cols]));
  }
  /** A normalisation of known deviations. */
  const norm = (net: NetBuilder, name: string, x: Made, deviations: readonly number[]): Made => {
    const made = net.norm(name, x);
    const variances = deviations.map((deviation) => deviation ** 2 - 1e-5);
    net.constant(`${name}.running_var`, variances);
    return net.relu(made);
  };

  test('divides by the mean deviation that the readers of a channel know, through pools and concatenations', () => {
    const found = ratios((net, x) => {
      const pooled = net.pool('MaxPool', x, { kernel: 2 });
      const both = net.concat([x, net.conv('conv3', net.relu(norm(net, 'bn1', x, [2, 4])), 1)]);
      return [norm(net, 'bn2', pooled, [4, 8]), norm(net, 'bn3', both, [6, 12, 1])];
    });
    expect(found[0]).toBeCloseTo(1 / 4, 5);
    expect(found[1]).toBeCloseTo(1 / 8, 5);
  });

  test.each<[string, (net: NetBuilder, x: Made) => Made]>([
    ['an activation', (net, x) => net.relu(x)],
    ['a convolution', (net, x) => net.conv('conv3', x, 2)],
    [
      'a sum with what an activation reads',
      (net, x) => net.both('Add', x, net.relu(net.conv('conv3', x, 2))),
    ],
    ['the head', (net, x) => net.act('ThresholdedRelu', x)],
  ])('leaves channels as they are that %s reads too', (_, reader) => {
    const found = ratios((net, x) => [norm(net, 'bn1', x, [2, 4]), reader(net, x)]);
    for (const ratio of found) expect(ratio).toBeCloseTo(1, 6);
  });
});
