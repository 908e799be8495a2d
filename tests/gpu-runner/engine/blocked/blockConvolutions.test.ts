import { describe, expect, it } from 'vitest';
import { blockConvolutions } from '../../../../gpu-runner/engine/blocked/blockConvolutions.ts';
import { blockSize } from '../../../../gpu-runner/engine/blocked/blockSize.ts';
import { createOptimiser } from '../../../../gpu-runner/engine/optimisers/createOptimiser.ts';
import { layOutParameters } from '../../../../gpu-runner/engine/parameters.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import { emitTrainingGraph } from '../../../../gpu-runner/engine/trainingGraph.ts';
import { Graph, int, ints, type Attribute } from '../../../../gpu-runner/onnx/graph.ts';
import { inferShapes } from '../../../../gpu-runner/onnx/shapes.ts';
import { elementCount, type Tensor } from '../../../../shared/tensor.ts';

const found = await blockSize();
const block = found ?? 16;

/** A graph under construction whose inputs are weights and images that change. */
class Sketch {
  readonly graph = new Graph('sketch');
  input(name: string, dims: readonly number[]): string {
    this.graph.inputs.push({ name, dtype: 'float32', dims });
    return name;
  }
  conv(
    name: string,
    x: string,
    weight: readonly number[],
    attributes: Record<string, Attribute> = {},
  ): string {
    const inputs = [x, this.input(`${name}/w`, weight), this.input(`${name}/b`, [weight[0] ?? 0])];
    const pads = ints(weight.slice(2).flatMap((size) => [(size - 1) / 2, (size - 1) / 2]));
    this.graph.addNode('Conv', inputs, [name], { pads, kernel_shape: ints(weight.slice(2)), ...attributes });
    return name;
  }
  op(op: string, name: string, inputs: readonly string[]): string {
    this.graph.addNode(op, inputs, [name]);
    return name;
  }
  outputs(...names: string[]): Graph {
    this.graph.outputs = names.map((name) => ({ name, dtype: 'float32', dims: [] }));
    const types = inferShapes(this.graph);
    this.graph.outputs = names.map((name) => ({ name, dtype: 'float32', dims: types.get(name)?.dims ?? [] }));
    return this.graph;
  }
}

async function run(graph: Graph, seed = 1): Promise<Record<string, Tensor>> {
  const random = new Random(seed);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, dtype, dims }): [string, Tensor] => {
      const fixed = dims.map(Number);
      const length = elementCount(fixed);
      return dtype === 'int32'
        ? [name, { dtype, dims: fixed, data: Int32Array.from({ length }, () => random.integer(2)) }]
        : [
            name,
            { dtype: 'float32', dims: fixed, data: Float32Array.from({ length }, () => random.normal()) },
          ];
    }),
  );
  const session = await createSession(graph, { provider: 'cpu', threads: 1 });
  const results = await session.run(feeds);
  await session.release();
  return results;
}

/** Largest difference of any output, relative to its largest value. */
async function difference(graph: Graph): Promise<number> {
  const [expected, got] = [await run(graph), await run(blockConvolutions(graph, block))];
  expect(Object.keys(got)).toEqual(Object.keys(expected));
  return Object.entries(expected).reduce((worst, [name, { dims, data }]) => {
    expect(got[name]?.dims).toEqual(dims);
    const [a, b] = [Array.from(data, Number), Array.from(got[name]?.data ?? [], Number)];
    const largest = Math.max(...a.map(Math.abs));
    return Math.max(worst, ...a.map((value, index) => Math.abs(value - (b[index] ?? NaN)) / largest));
  }, 0);
}
const ops = ({ nodes }: Graph): string[] =>
  nodes.map(({ op, domain }) => (domain === '' ? op : `${domain}:${op}`));
const count = (graph: Graph, op: string): number =>
  ops(graph).filter((name) => name === `com.microsoft.nchwc:${op}`).length;

describe.skipIf(found === undefined)('blockConvolutions() computes the same', () => {
  const forms: [string, readonly number[], readonly number[], Record<string, Attribute>][] = [
    ['of few channels', [2, 3, 9, 7], [32, 3, 3, 3], {}],
    ['of many channels', [2, 48, 6, 5], [32, 48, 3, 3], {}],
    ['of 5x5', [2, 16, 6, 7], [16, 16, 5, 5], {}],
    ['of 1x1 with a stride', [2, 32, 7, 7], [64, 32, 1, 1], { strides: ints([2, 2]) }],
    [
      'with stride and asymmetric pads',
      [2, 16, 9, 8],
      [32, 16, 3, 3],
      { strides: ints([2, 1]), pads: ints([0, 2, 1, 0]) },
    ],
    ['with dilation', [2, 16, 9, 8], [16, 16, 3, 3], { dilations: ints([2, 2]) }],
    ['in groups', [2, 64, 6, 5], [64, 32, 3, 3], { group: int(2) }],
    ['depthwise', [2, 32, 6, 5], [32, 1, 3, 3], { group: int(32), strides: ints([2, 2]) }],
  ];
  it.each(forms)('for a convolution %s', async (_, x, weight, attributes) => {
    const sketch = new Sketch();
    const graph = sketch.outputs(sketch.conv('y', sketch.input('x', x), weight, attributes));
    expect(count(blockConvolutions(graph, block), 'Conv')).toBe(1);
    expect(await difference(graph)).toBeLessThan(1e-5);
  });

  it('for a residual net that pools, with values read in both orders', async () => {
    const sketch = new Sketch();
    const first = sketch.op('Relu', 'first', [
      sketch.conv('c1', sketch.input('x', [2, 3, 8, 8]), [32, 3, 3, 3]),
    ]);
    const second = sketch.op('Tanh', 'second', [sketch.conv('c2', first, [32, 32, 3, 3])]);
    const third = sketch.conv('c3', second, [32, 32, 3, 3]);
    const sum = sketch.op('Relu', 'sum', [sketch.op('Add', 'added', [third, first])]);
    const pooled = sketch.op('GlobalAveragePool', 'pooled', [sum]);
    const scaled = sketch.op('Mul', 'scaled', [sum, pooled]);
    expect(
      await difference(sketch.outputs(scaled, 'c2', sketch.conv('c4', scaled, [16, 32, 3, 3]))),
    ).toBeLessThan(1e-5);
  });

  it('for a gate of one number a channel (squeeze and excite)', async () => {
    const sketch = new Sketch();
    const features = sketch.conv('features', sketch.input('x', [2, 16, 6, 5]), [32, 16, 3, 3]);
    const pooled = sketch.op('GlobalAveragePool', 'pooled', [features]);
    const gate = sketch.op('Sigmoid', 'gate', [sketch.conv('squeezed', pooled, [32, 32, 1, 1])]);
    const y = sketch.op('Mul', 'y', [features, gate]);
    expect(await difference(sketch.outputs(y))).toBeLessThan(1e-5);
  });

  it('for a whole training step', async () => {
    const sketch = new Sketch();
    const weight = (name: string, dims: number[]): string => {
      const random = new Random(3, dims.length, elementCount(dims));
      const data = Float32Array.from({ length: elementCount(dims) }, () => 0.2 * random.normal());
      sketch.graph.initializers.set(name, { dtype: 'float32', dims, data });
      return name;
    };
    const { graph } = sketch;
    const pads = ints([1, 1, 1, 1]);
    sketch.input('x', [4, 3, 8, 8]);
    graph.addNode('Conv', ['x', weight('w1', [32, 3, 3, 3])], ['c1'], { pads });
    graph.addNode('Relu', ['c1'], ['r1']);
    graph.addNode('Conv', ['r1', weight('w2', [32, 32, 3, 3]), weight('b2', [32])], ['c2'], { pads });
    graph.addNode('Add', ['c2', 'r1'], ['a']);
    graph.addNode('Relu', ['a'], ['r2']);
    graph.addNode('Conv', ['r2', weight('w3', [16, 32, 3, 3])], ['c3'], { pads, strides: ints([2, 2]) });
    graph.addNode('GlobalAveragePool', ['c3'], ['p']);
    graph.addNode('Flatten', ['p'], ['logits']);
    graph.outputs = [{ name: 'logits', dtype: 'float32', dims: ['N', 16] }];
    const step = emitTrainingGraph({
      ...{ graph, parameters: layOutParameters(graph), batchSize: 4, provider: 'cpu' as const },
      objectives: [
        {
          ...{ input: 'x', output: 'logits', sampleDims: [3, 8, 8], loss: 'softmax-cross-entropy' as const },
          ...{ weight: 1, distillation: 0, temperature: 1 },
        },
      ],
      optimiser: createOptimiser({ kind: 'sgd' }),
      ...{ weightDecay: 0, clipNorm: undefined, frozenStatistics: false },
    });
    // Forward three times, backward through the second and third's input: the third has a stride, hence a ConvTranspose.
    expect(count(blockConvolutions(step.graph, block), 'Conv')).toBe(4);
    expect(await difference(step.graph)).toBeLessThan(1e-5);
  });
});

describe('blockConvolutions()', () => {
  it('keeps values in blocks from one convolution to the next, and orders each once', () => {
    const sketch = new Sketch();
    const first = sketch.op('Relu', 'first', [
      sketch.conv('c1', sketch.input('x', [2, 32, 8, 8]), [32, 32, 3, 3]),
    ]);
    const second = sketch.conv('c2', first, [32, 32, 3, 3]);
    const third = sketch.conv('c3', first, [32, 32, 1, 1]);
    const graph = blockConvolutions(sketch.outputs(sketch.op('Add', 'y', [second, third])), 16);
    expect([count(graph, 'ReorderInput'), count(graph, 'Conv'), count(graph, 'ReorderOutput')]).toEqual([
      1, 3, 1,
    ]);
  });

  it('leaves alone what does not fit blocks, and the graph it was given', () => {
    const sketch = new Sketch();
    const odd = sketch.conv('odd', sketch.input('x', [2, 3, 8, 8]), [20, 3, 3, 3]);
    const from = sketch.conv('from', odd, [32, 20, 3, 3]);
    const graph = sketch.outputs(from);
    const line = new Sketch();
    const oneDimension = line.outputs(line.conv('y', line.input('x', [2, 32, 8]), [32, 32, 3]));
    for (const one of [graph, oneDimension]) {
      const before = ops(one);
      expect(ops(blockConvolutions(one, 16))).toEqual(before);
      expect(ops(one)).toEqual(before);
    }
  });
});
