import { describe, expect, test } from 'vitest';
import { float, int, ints, string, type Graph } from '../../../gpu-runner/onnx/graph.ts';
import { netGraph } from '../../../gpu-runner/mtz/netGraph.ts';
import { readNet, type ReadOptions } from '../../../gpu-runner/mtz/readNet.ts';
import type { Step, TaskNet } from '../../../gpu-runner/mtz/topology.ts';
import { answerOf, largestGap, randomInput } from './nets.ts';
import { everyNet } from './nets/all.ts';
import { NetBuilder, type Made } from './nets/builder.ts';
import { lenet } from './nets/lenet.ts';
import { mobilenet, mobilenetV1 } from './nets/mobilenet.ts';
import { permutedNet } from './nets/permute.ts';
import { attentive, recurrent } from './nets/recurrent.ts';
import { resnet, resnext } from './nets/resnet.ts';
import { vgg } from './nets/vgg.ts';

const fold: ReadOptions = { batchNorm: 'fold' };
const perTask: ReadOptions = { batchNorm: 'per-task' };

const read = (graph: Graph, options = fold): TaskNet => readNet(graph, 'digit', options);

/** How far the answers of a net are from those of the graph that it was read from. */
async function gap(net: TaskNet, graph: Graph): Promise<number> {
  const { dims } = net.topology.input;
  const input = randomInput([2, ...dims], 7);
  return largestGap(await answerOf(netGraph(net), input), await answerOf(graph, input));
}

const kinds = ({ topology }: TaskNet): string[] =>
  topology.steps.map((step: Step) => (step.kind === 'plain' ? step.op : step.kind));

/** A conv, what `middle` does to its output, and a dense layer on what is left. */
function between(middle: (net: NetBuilder, x: Made) => Made): Graph {
  const net = new NetBuilder('net', 5);
  const x = middle(net, net.conv('conv1', net.input([3, 5, 5]), 4));
  const flat = x.dims.length > 1 ? net.flatten(x) : x;
  return net.end(net.dense('fc', flat, 3));
}

/** [channels, ...size] as [channels, positions]. */
function inLine(net: NetBuilder, x: Made): Made {
  const [channels = 0, ...size] = x.dims;
  const positions = size.reduce((product, length) => product * length, 1);
  return net.node('Reshape', [x, net.integers('line', [0, channels, -1])], [channels, positions]);
}

describe('readNet', () => {
  test.each(Object.entries(everyNet))('readNet() keeps what a network computes: %s', async (_, build) => {
    const graph = build(1);
    const [folded, own] = [read(graph), read(graph, perTask)];
    expect(await gap(folded, graph)).toBeLessThan(1e-5);
    expect(await gap(own, graph)).toBeLessThan(1e-5);
  });

  test.each(Object.entries(everyNet))(
    'readNet() finds groups whose channels can be reordered: %s',
    async (_, build) => {
      const graph = build(1);
      for (const options of [fold, perTask]) {
        const net = read(graph, options);
        const { net: copy, orders } = permutedNet(net, 3);
        expect(orders.some((order) => order.some((from, to) => from !== to))).toBe(true);
        expect(await gap(copy, graph)).toBeLessThan(1e-5);
      }
    },
  );

  test('readNet() couples the channels of a residual stream and pins input and logits', () => {
    const { topology, widths } = read(resnet({ seed: 1, blocks: 2 }));
    expect(topology.groups.map(({ name, pinned }) => [name, pinned === null])).toEqual([
      ['input', false],
      ['conv1', true],
      ['layer1.0.conv1', true],
      ['layer1.1.conv1', true],
      ['layer2.0.conv1', true],
      ['layer2.0.conv2', true],
      ['layer2.1.conv1', true],
      ['fc', false],
    ]);
    expect(widths).toEqual([3, 4, 4, 4, 6, 6, 6, 3]);
    const makers = topology.steps.filter(
      ({ kind, output }) => kind === 'layer' && topology.values[output]?.segments[0]?.group === 5,
    );
    expect(makers.map(({ name }) => name)).toEqual([
      'layer2.0.conv2',
      'layer2.0.downsample.0',
      'layer2.1.conv2',
    ]);
  });

  test('readNet() cuts the groups of grouped convolutions and leaves the residual stream whole', () => {
    const { topology, widths } = read(resnext({ seed: 1 }));
    const name = (group: number): string => topology.groups[group]?.name ?? '';
    expect(topology.groups.map((group, index) => `${group.name} ${widths[index]}`)).toEqual([
      'input 3',
      'conv1 6',
      'layer1.0.conv1.0 2',
      'layer1.0.conv1.1 2',
      'layer1.0.conv2.0 2',
      'layer1.0.conv2.1 2',
      'fc 3',
    ]);
    const joined = topology.steps.find((step) => step.name === 'layer1.0.conv1.joined');
    expect(topology.values[joined?.output ?? 0]?.segments.map(({ group }) => name(group))).toEqual([
      'layer1.0.conv1.0',
      'layer1.0.conv1.1',
    ]);
  });

  test('readNet() ties gates and depthwise convolutions to the channels they act on', () => {
    const { topology } = read(mobilenet({ seed: 1, gate: 'dense', channels: [4], strides: [1] }));
    const groupOf = (name: string): number | undefined => {
      const step = topology.steps.find((other) => other.name === name);
      return topology.values[step?.output ?? 0]?.segments[0]?.group;
    };
    expect(groupOf('features.0.1.0')).toBe(groupOf('features.0.0.0'));
    expect(groupOf('features.0.se.fc2')).toBe(groupOf('features.0.0.0'));
    expect(groupOf('features.0.2')).toBe(groupOf('stem.0'));
  });

  test('readNet() keeps batch normalisation per task after a layer of unit variance', () => {
    const graph = vgg({ seed: 1, stages: [[4]] });
    const { topology, weights } = read(graph, perTask);
    const [conv, norm] = topology.steps;
    expect(conv).toMatchObject({ kind: 'layer', name: 'stage1.0.conv' });
    expect(norm).toMatchObject({
      kind: 'channelwise',
      name: 'stage1.0.bn',
      convolution: null,
      perTask: true,
    });
    const numbers = (name: string): number[] => Array.from(graph.initializers.get(name)?.data ?? [], Number);
    expect(Array.from(weights.get('stage1.0.bn')?.weight.data ?? [])).toEqual(numbers('stage1.0.bn.weight'));
    const deviation = numbers('stage1.0.bn.running_var').map((variance) => Math.sqrt(variance + 1e-5));
    const original = numbers('stage1.0.conv.weight');
    const stored = weights.get('stage1.0.conv')?.weight.data ?? [];
    stored.forEach((value, at) =>
      expect(value).toBeCloseTo((original[at] ?? 0) / (deviation[Math.floor(at / 27)] ?? 0), 6),
    );
    expect(kinds(read(graph))).not.toContain('channelwise');
  });

  test('readNet() reads equal networks alike, whatever the order of nodes and summands', () => {
    const graph = resnet({ seed: 1, blocks: 2 });
    const shuffled = graph.clone();
    for (const node of shuffled.nodes) if (node.op === 'Add') node.inputs.reverse();
    shuffled.nodes.reverse();
    shuffled.sort();
    expect(shuffled.nodes.map(({ name }) => name)).not.toEqual(graph.nodes.map(({ name }) => name));
    expect(read(shuffled)).toEqual(read(graph));
  });

  test('readNet() sees no difference between gates of dense layers and of 1x1 convolutions', () => {
    const [dense, conv] = [
      read(mobilenet({ seed: 1, gate: 'dense' })),
      read(mobilenet({ seed: 1, gate: 'conv' })),
    ];
    expect(kinds(dense)).toEqual(kinds(conv));
    expect(dense.topology.values).toEqual(conv.topology.values);
  });

  test('readNet() reads what TensorFlow writes in the same form as others', () => {
    expect(kinds(read(mobilenetV1({ seed: 1 })))).toEqual([
      ...[
        'layer',
        'Clip',
        'channelwise',
        'Relu',
        'Clip',
        'layer',
        'Relu',
        'GlobalAveragePool',
        'flatten',
        'layer',
      ],
    ]);
  });

  test.each<[string, string[], (net: NetBuilder, x: Made) => Made]>([
    [
      'a Reshape by [0, -1]',
      ['flatten'],
      (net, x) => net.node('Reshape', [x, net.integers('s', [0, -1])], [100]),
    ],
    [
      'a flatten of Shape, Gather, Unsqueeze and Concat',
      ['flatten'],
      (net, x) => {
        const shape = net.node('Shape', [x], []);
        net.graph.initializers.set('zero', { dtype: 'int64', dims: [], data: BigInt64Array.of(0n) });
        const batch = net.node('Gather', [shape, 'zero'], [], { axis: int(0) });
        const list = net.node('Unsqueeze', [batch, net.integers('axis', [0])], []);
        const target = net.node('Concat', [list, net.integers('rest', [-1])], [], { axis: int(0) });
        return net.node('Reshape', [x, target], [100]);
      },
    ],
    [
      'Identity, Dropout with a mask, and Cast to the same type',
      ['flatten'],
      (net, x) => {
        const dropped = net.act('Dropout', net.act('Identity', x));
        net.graph.nodes.at(-1)?.outputs.push('mask');
        return net.act('Cast', dropped, { to: int(1) });
      },
    ],
    [
      'channels last before a dense layer',
      ['Relu', 'flatten', 'Relu'],
      (net, x) => {
        const last = net.relu(net.node('Transpose', [x], [5, 5, 4], { perm: ints([0, 2, 3, 1]) }));
        return net.relu(net.node('Reshape', [last, net.integers('s', [-1, 100])], [100]));
      },
    ],
    [
      'a bias and a mean over channels last',
      ['GlobalAveragePool', 'flatten'],
      (net, x) => {
        const last = net.node('Transpose', [x], [5, 5, 4], { perm: ints([0, 2, 3, 1]) });
        const moved = net.node('Add', [last, net.weight('shift', [4])], [5, 5, 4]);
        return net.node('ReduceMean', [moved, net.integers('space', [1, 2])], [4], { keepdims: int(0) });
      },
    ],
    [
      'scales and shifts by channel, folded into the layer before',
      ['flatten'],
      (net, x) => {
        const scaled = net.node('Mul', [x, net.weight('scale', [4, 1, 1])], x.dims);
        const turned = net.node('Sub', [net.weight('from', [1, 4, 1, 1]), scaled], x.dims);
        return net.node('Div', [turned, net.constant('by', [2], [])], x.dims);
      },
    ],
    [
      'a scale after an activation',
      ['Relu', 'channelwise', 'flatten'],
      (net, x) => net.node('Mul', [net.relu(x), net.weight('scale', [4, 1, 1])], x.dims),
    ],
    [
      'a Constant node',
      ['flatten'],
      (net, x) => {
        const value = { dtype: 'float32', dims: [4, 1, 1], data: Float32Array.of(1, 2, 3, 4) } as const;
        return net.both('Mul', x, net.node('Constant', [], [4, 1, 1], { value: { type: 'tensor', value } }));
      },
    ],
    [
      'HardSwish in parts',
      ['Add', 'Clip', 'Mul', 'Mul', 'flatten'],
      (net, x) => {
        const moved = net.node('Add', [x, net.constant('three', [3], [])], x.dims);
        const gate = net.node('Div', [net.clip(moved), net.constant('six', [6], [])], x.dims);
        return net.both('Mul', x, gate);
      },
    ],
    ['SiLU', ['Sigmoid', 'Mul', 'flatten'], (net, x) => net.both('Mul', x, net.act('Sigmoid', x))],
    [
      'PReLU with a slope for each channel',
      ['Mul', 'Relu', 'channelwise', 'Relu', 'Add', 'flatten'],
      (net, x) => net.node('PRelu', [x, net.weight('slope', [4, 1, 1], 0.2)], x.dims),
    ],
    [
      'Split, and parts used in another order',
      ['layer', 'concat', 'Relu', 'select', 'select', 'concat', 'flatten'],
      (net, x) => {
        const y = net.relu(x);
        const split = net.node('Split', [y, net.integers('sizes', [1, 3])], [], { axis: int(1) });
        net.graph.nodes.at(-1)?.outputs.push('rest');
        return net.concat([
          { name: 'rest', dims: [3, 5, 5] },
          { ...split, dims: [1, 5, 5] },
        ]);
      },
    ],
    [
      'Slice of channels added to others',
      ['layer', 'concat', 'Relu', 'select', 'select', 'Add', 'flatten'],
      (net, x) => {
        const y = net.relu(x);
        const slice = (name: string, start: number, end: number): Made =>
          net.node(
            'Slice',
            [y, ...[start, end, 1].map((at, which) => net.integers(`${name}${which}`, [at]))],
            [2, 5, 5],
          );
        return net.both('Add', slice('a', 0, 2), slice('b', -2, 100));
      },
    ],
    [
      'zeros padded before a convolution and before a pool',
      ['Relu', 'MaxPool', 'layer', 'flatten'],
      (net, x) => {
        const padded = net.node('Pad', [net.relu(x), net.integers('p', [0, 0, 1, 0, 0, 0, 0, 1])], [4, 6, 6]);
        const pooled = net.pool('MaxPool', padded, { kernel: 2 });
        const wide = net.node('Pad', [pooled, net.integers('q', [0, 0, 1, 1, 0, 0, 1, 1])], [4, 5, 5]);
        return net.conv('conv2', wide, 2, { pad: 0 });
      },
    ],
    [
      'zeros padded before an activation',
      ['channelwise', 'Tanh', 'flatten'],
      (net, x) =>
        net.act('Tanh', net.node('Pad', [x, net.integers('p', [0, 0, 1, 1, 0, 0, 1, 1])], [4, 7, 7])),
    ],
    [
      'a sum of three and a maximum of two values',
      ['layer', 'Add', 'layer', 'Max', 'Add', 'flatten'],
      (net, x) => {
        const [y, z] = [net.conv('conv2', x, 4), net.conv('conv3', x, 4, { dilation: 2 })];
        return net.node('Sum', [x, y, net.both('Max', y, z)], x.dims);
      },
    ],
    [
      'activations with settings',
      ['ThresholdedRelu', 'LeakyRelu', 'Elu', 'HardSigmoid', 'Gelu', 'Tanh', 'flatten'],
      (net, given) => {
        const x = net.act('ThresholdedRelu', given, { alpha: float(-0.5) });
        const leaky = net.act('LeakyRelu', x, { alpha: float(0.3) });
        const hard = net.act('HardSigmoid', net.act('Elu', leaky), { alpha: float(0.25) });
        return net.act('Tanh', net.act('Gelu', hard, { approximate: string('tanh') }));
      },
    ],
    [
      'activations that are read as several',
      ['Softplus', 'Tanh', 'Mul', 'Abs', 'Add', 'Div', 'Elu', 'Mul', 'Elu', 'Mul', 'flatten'],
      (net, x) => {
        const curved = net.act('Celu', net.act('Softsign', net.act('Mish', x)));
        return net.act('Celu', curved, { alpha: float(0.3) });
      },
    ],
    [
      'a line of positions that is normalised and averaged',
      ['Relu', 'GlobalAveragePool', 'flatten'],
      (net, x) => {
        const line = net.relu(net.norm('bn', inLine(net, x)));
        return net.node('ReduceMean', [line, net.integers('positions', [2])], [4], { keepdims: int(0) });
      },
    ],
    [
      'a line of positions that is pooled, gates the map, and a line that is a map again',
      ['GlobalAveragePool', 'Sigmoid', 'Mul', 'Tanh', 'flatten'],
      (net, x) => {
        const line = inLine(net, x);
        const pooled = net.act('Sigmoid', { ...net.act('GlobalAveragePool', line), dims: [4, 1] });
        const back = net.node(
          'Reshape',
          [net.both('Mul', line, pooled), net.integers('map', [0, 0, 5, 5])],
          x.dims,
        );
        return net.act('Tanh', back);
      },
    ],
    [
      'bounds that are cast to the type of what they bound',
      ['Clip', 'flatten'],
      (net, x) => {
        const like = (name: string, value: number): Made =>
          net.node('CastLike', [net.constant(name, [value], []), x], []);
        const clipped = net.node('Clip', [x, like('low', 0), like('high', 6)], x.dims);
        return net.node('CastLike', [clipped, x], x.dims);
      },
    ],
    [
      'a gate that becomes a map one axis after the other',
      ['GlobalAveragePool', 'layer', 'Sigmoid', 'Mul', 'flatten'],
      (net, x) => {
        const mean = net.node('ReduceMean', [x, net.integers('space', [2, 3])], [4], { keepdims: int(0) });
        const gate = net.act('Sigmoid', net.dense('gate', mean, 4));
        const line = net.node('Unsqueeze', [gate, net.integers('line', [2])], [4, 1]);
        return net.both('Mul', x, net.node('Unsqueeze', [line, net.integers('map', [3])], [4, 1, 1]));
      },
    ],
    [
      'a gate that TensorFlow makes a map with its channels last, then first',
      ['GlobalAveragePool', 'layer', 'Sigmoid', 'Mul', 'flatten'],
      (net, x) => {
        const mean = net.node('Squeeze', [net.globalPool(x), net.integers('space', [2, 3])], [4]);
        const last = net.node('Reshape', [mean, net.integers('pixel', [-1, 1, 1, 4])], [1, 1, 4]);
        const first = net.node('Transpose', [last], [4, 1, 1], { perm: ints([0, 3, 1, 2]) });
        return net.both('Mul', x, net.act('Sigmoid', net.conv('gate', first, 4, { kernel: 1 })));
      },
    ],
    [
      'zeros padded around channels that are last',
      ['layer', 'flatten'],
      (net, x) => {
        const last = net.node('Transpose', [x], [5, 5, 4], { perm: ints([0, 2, 3, 1]) });
        const padded = net.node('Pad', [last, net.integers('p', [0, 1, 2, 0, 0, 1, 0, 0])], [7, 7, 4]);
        const first = net.node('Transpose', [padded], [4, 7, 7], { perm: ints([0, 3, 1, 2]) });
        return net.conv('conv2', first, 3, { pad: 0 });
      },
    ],
    [
      'a pool that rounds up and one that counts what it pads',
      ['MaxPool', 'AveragePool', 'flatten'],
      (net, x) => {
        const up = net.pool('MaxPool', x, { kernel: 2, attributes: { ceil_mode: int(1) } });
        return net.pool(
          'AveragePool',
          { ...up, dims: [4, 3, 3] },
          {
            ...{ kernel: 2, stride: 1, pad: 1 },
            attributes: { count_include_pad: int(1) },
          },
        );
      },
    ],
    [
      'three depthwise filters a channel, normalised, pooled and averaged',
      ['channelwise', 'channelwise', 'channelwise', 'concat', 'Relu', 'GlobalAveragePool', 'flatten'],
      (net, x) => {
        const y = net.relu(net.norm('bn', net.conv('dw', x, 12, { group: 4, bias: false })));
        return net.node('ReduceMean', [y, net.integers('space', [2, 3])], [12], { keepdims: int(0) });
      },
    ],
    [
      'a depthwise dilated convolution with batch normalisation',
      ['channelwise', 'flatten'],
      (net, x) => net.norm('bn', net.conv('dw', x, 4, { group: 4, dilation: 2 })),
    ],
  ])('readNet() keeps what a network computes: %s', async (_, steps, build) => {
    const graph = between(build);
    const net = read(graph);
    expect(net.tail).toBeNull();
    expect(net.notes).toEqual([]);
    expect(kinds(net)).toEqual(['layer', ...steps, 'layer']);
    expect(await gap(net, graph)).toBeLessThan(1e-5);
    expect(await gap(permutedNet(net, 2).net, graph)).toBeLessThan(1e-5);
  });

  test('readNet() reads the normalisation of the input as one step', async () => {
    const net = new NetBuilder('net', 1);
    let x = net.input([3, 5, 5]);
    x = net.node('Div', [x, net.constant('255', [255], [])], x.dims);
    x = net.node('Sub', [x, net.constant('mean', [0.5, 0.4, 0.3], [1, 3, 1, 1])], x.dims);
    x = net.node('Div', [x, net.constant('deviation', [0.2, 0.3, 0.4], [3, 1, 1])], x.dims);
    const graph = net.end(net.dense('fc', net.flatten(net.conv('conv1', x, 2)), 3));
    const read1 = read(graph);
    expect(kinds(read1)).toEqual(['channelwise', 'layer', 'flatten', 'layer']);
    const { weight, bias } = read1.weights.get(read1.topology.steps[0]?.name ?? '') ?? {};
    expect(weight?.data[1]).toBeCloseTo(1 / 255 / 0.3, 8);
    expect(bias?.[2]).toBeCloseTo(-0.3 / 0.4, 6);
    expect(await gap(read1, graph)).toBeLessThan(1e-5);
  });

  test.each([3, 6])(
    'readNet() reads all of the input where %i filters read a channel each',
    async (filters) => {
      const net = new NetBuilder('net', 5);
      let x = net.norm('bn', net.conv('conv1', net.input([3, 5, 5]), filters, { group: 3, stride: 2 }));
      x = net.conv('conv2', net.relu(x), 4);
      const graph = net.end(net.dense('fc', net.flatten(x), 3));
      const own = read(graph);
      expect(own.notes).toEqual([]);
      expect(kinds(own)).toEqual([
        filters > 3 ? 'layer' : 'channelwise',
        'Relu',
        'layer',
        'flatten',
        'layer',
      ]);
      expect(await gap(own, graph)).toBeLessThan(1e-5);
      expect(await gap(permutedNet(own, 2).net, graph)).toBeLessThan(1e-5);
    },
  );

  test('readNet() takes channels first where the network puts them first itself', async () => {
    const net = new NetBuilder('net', 1);
    const x = net.input([6, 5, 3]);
    const first = net.node('Transpose', [x], [3, 6, 5], { perm: ints([0, 3, 1, 2]) });
    const graph = net.end(net.dense('fc', net.flatten(net.relu(net.conv('conv1', first, 2))), 3));
    const own = read(graph);
    expect(own.topology.input.dims).toEqual([3, 6, 5]);
    expect(own.notes).toEqual([
      'Its input "image" has its channels last; zipped, it takes them first: [3,6,5]',
    ]);
    const last = randomInput([1, 6, 5, 3], 2);
    const turned = Float32Array.from(
      last.data,
      (_, at) => last.data[(at % 30) * 3 + Math.floor(at / 30)] ?? 0,
    );
    const answer = await answerOf(netGraph(own), { dtype: 'float32', dims: [1, 3, 6, 5], data: turned });
    expect(largestGap(answer, await answerOf(graph, last))).toBeLessThan(1e-5);
  });

  test('readNet() reads weights that are stored in other types or turned, and says so', async () => {
    const graph = lenet({ seed: 1 });
    const weight = graph.initializers.get('fc2.weight');
    const half = {
      dtype: 'float16',
      dims: [3, 10],
      data: Uint16Array.from({ length: 30 }, (_, k) => 0x3400 + k * 37),
    } as const;
    expect(weight?.dims).toEqual(half.dims);
    graph.initializers.set('fc2.weight', half);
    const dense = graph.nodes.at(-1);
    if (dense) dense.inputs[1] = 'fc2.cast';
    graph.nodes.unshift({
      ...{ name: 'cast', op: 'Cast', domain: '', attributes: { to: int(1) } },
      ...{ inputs: ['fc2.weight'], outputs: ['fc2.cast'] },
    });
    const net = read(graph);
    expect(net.notes).toEqual(['Weights stored as float16 are computed with as float32']);
    expect(await gap(net, graph)).toBeLessThan(1e-5);
  });

  test.each<[string, () => Graph, string]>([
    [
      'an LSTM',
      () => recurrent({ seed: 1 }),
      'Transpose "/Transpose": it puts the axes in the order [3,0,1,2]',
    ],
    [
      'attention',
      () => attentive({ seed: 1 }),
      'Transpose "/Transpose": it puts the axes in the order [0,2,1]',
    ],
    [
      'a convolution along a line of positions',
      () => between((net, x) => net.conv('line', inLine(net, x), 4)),
      'Conv "/line/Conv": its input has its positions in a line',
    ],
    [
      'a sum of lines of maps of other sizes',
      () =>
        between((net, x) => {
          const high = net.node('MaxPool', [x], [4, 5, 1], { kernel_shape: ints([1, 5]) });
          const wide = net.node('MaxPool', [x], [4, 1, 5], { kernel_shape: ints([5, 1]) });
          return net.both('Add', inLine(net, high), inLine(net, wide));
        }),
      'Add "/Add": it joins lines of 5x1 and 1x5 positions',
    ],
    [
      'normalisation along channels',
      () => between((net, x) => net.act('LRN', x, { size: int(3) })),
      'LRN "/LRN": this operator cannot be zipped',
    ],
    [
      'an activation of unknown shape',
      () => between((net, x) => net.relu(net.act('Shrink', x))),
      'Shrink "/Shrink": this operator cannot be zipped',
    ],
    [
      'a gate for each position',
      () =>
        between((net, x) => net.both('Mul', x, net.act('Sigmoid', net.conv('gate', x, 1, { kernel: 1 })))),
      'Mul "/Mul": it joins 4 channels with 1',
    ],
    [
      'a sum with the input',
      () => between((net, x) => net.both('Add', net.conv('back', x, 3), { name: 'image', dims: [3, 5, 5] })),
      `Add "/Add": it joins the input's channels with others`,
    ],
    [
      'a slice of two depthwise filters a channel',
      () => {
        const cut = (net: NetBuilder, x: Made): Made =>
          net.node(
            'Slice',
            [x, ...[0, 4, 1].map((at, which) => net.integers(`cut${which}`, [at]))],
            [4, 5, 5],
          );
        return between((net, x) => cut(net, net.conv('dw', x, 8, { group: 4 })));
      },
      'Slice "/Slice": its input 0 has 2 filters of each channel beside each other',
    ],
    [
      'a grouped convolution of two depthwise filters a channel',
      () => between((net, x) => net.conv('grouped', net.conv('dw', x, 8, { group: 4 }), 4, { group: 2 })),
      'Conv "/grouped/Conv": it divides into 2 groups what has 2 filters of each channel',
    ],
    [
      'a scale for each element',
      () => between((net, x) => net.node('Mul', [net.relu(x), net.weight('map', [4, 5, 5])], x.dims)),
      'Mul "/Mul": its constant [4,5,5] is not one number for each of 4 channels',
    ],
    [
      'a convolution with computed weights',
      () =>
        between((net, x) => {
          const made = net.node('Mul', [net.weight('w', [2, 4, 1, 1]), net.weight('v', [1])], []);
          return net.node('Conv', [x, made], [2, 5, 5]);
        }),
      'Conv "/Conv": its weight is computed or missing, not a constant',
    ],
  ])('readNet() leaves %s in the head and says why', async (_, build, reason) => {
    const graph = build();
    const net = read(graph);
    expect(net.notes).toEqual([expect.stringContaining(reason)]);
    expect(net.topology.output).toBeNull();
    expect(net.topology.steps.some(({ kind }) => kind === 'layer')).toBe(true);
    expect(net.tail?.graph.outputs).toEqual(graph.outputs);
    expect(await gap(net, graph)).toBeLessThan(1e-5);
    expect(await gap(permutedNet(net, 4).net, graph)).toBeLessThan(1e-5);
  });

  test('readNet() restores layouts that a head reads', async () => {
    const graph = between((net, x) => {
      const last = net.relu(net.node('Transpose', [x], [5, 5, 4], { perm: ints([0, 2, 3, 1]) }));
      const flat = net.node('Reshape', [last, net.integers('s', [-1, 100])], [100]);
      const soft = net.act('Softmax', flat);
      return net.both('Add', soft, net.flatten(net.act('Softmax', last)));
    });
    const net = read(graph);
    expect(net.tail?.graph.nodes.map(({ op }) => op)).toEqual(
      expect.arrayContaining(['Transpose', 'Gather']),
    );
    expect(await gap(net, graph)).toBeLessThan(1e-5);
  });

  test('readNet() keeps the channels of an answer apart that is only turned into probabilities', async () => {
    const net = new NetBuilder('net', 1);
    const x = net.relu(net.dense('fc1', net.input([6]), 5));
    const graph = net.end(net.act('Softmax', net.dense('fc2', x, 3)));
    const own = read(graph);
    expect(own.topology.groups.map(({ pinned }) => pinned)).toEqual([
      'it is the input, which all tasks read',
      null,
      'its channels are what the task answers',
    ]);
    expect(own.tail?.graph.nodes.map(({ op }) => op)).toEqual(['Softmax']);
    expect(await gap(own, graph)).toBeLessThan(1e-6);
  });

  test.each<[string, () => Graph, string]>([
    [
      'nothing that can be zipped',
      () => {
        const net = new NetBuilder('net', 1);
        return net.end(net.act('Softmax', net.input([4])));
      },
      'Cannot zip "digit": none of its layers can be zipped. Softmax "/Softmax": this operator cannot be zipped',
    ],
    ['two outputs', () => twoOutputs(), 'it has 1 inputs and 2 outputs, not one of each'],
    [
      'an image of unknown size',
      () => withInput({ dtype: 'float32', dims: ['N', 1, 'H', 12] }),
      'dimension 2 of its input "image" is not known',
    ],
    [
      'an input of half precision',
      () => withInput({ dtype: 'float16', dims: ['N', 1, 12, 12] }),
      'its input "image" is float16, not float32',
    ],
  ])('readNet() refuses %s', (_, build, message) => {
    expect(() => read(build())).toThrow(message);
  });

  function twoOutputs(): Graph {
    const graph = lenet({ seed: 1 });
    graph.outputs.push({ name: '/fc1/Gemm_output_0', dtype: 'float32', dims: ['N', 10] });
    return graph;
  }
  function withInput(type: { dtype: 'float32' | 'float16'; dims: (string | number)[] }): Graph {
    const graph = lenet({ seed: 1 });
    graph.inputs = [{ name: 'image', ...type }];
    return graph;
  }
});
