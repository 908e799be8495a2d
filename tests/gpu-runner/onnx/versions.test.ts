import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../shared/tensor.ts';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { readModel } from '../../../gpu-runner/onnx/read.ts';
import { encodeTensor } from '../../../gpu-runner/onnx/tensor-proto.ts';
import { newestOpset, oldestOpset, upgrade } from '../../../gpu-runner/onnx/versions.ts';
import { writeModel } from '../../../gpu-runner/onnx/write.ts';
import { model, node, value, type NodeInit } from './handmade.ts';
import { f32, i64, runModel } from './single-node.ts';

interface Case {
  readonly opset: number;
  readonly nodes: readonly NodeInit[];
  readonly x?: Tensor;
  /** Ranks of the outputs y0, y1, ... */
  readonly ranks: readonly number[];
  readonly initializers?: Record<string, Tensor>;
}

function bytesOf({ opset, nodes, x = f32(2, 3, 4), ranks, initializers = {} }: Case): Uint8Array {
  return model(opset, {
    input: [value('x', x.dims)],
    output: ranks.map((rank, index) => value(`y${index}`, Array<null>(rank).fill(null))),
    node: [...nodes],
    initializer: Object.entries(initializers).map(([name, tensor]) => encodeTensor(name, tensor)),
  });
}

/** Runs the file as it is and as it is after reading, and expects equal outputs. Returns the graph that was read. */
async function expectSame(given: Case): Promise<Graph> {
  const { x = f32(2, 3, 4) } = given;
  const graph = readModel(bytesOf(given));
  const [original, upgraded] = [
    await runModel(bytesOf(given), { x }),
    await runModel(writeModel(graph), { x }),
  ];
  for (const index of given.ranks.keys()) {
    const [before, after] = [original[`y${index}`], upgraded[`y${index}`]];
    expect(after?.dims).toEqual(before?.dims);
    expect(Array.from(after?.data as Float32Array)).toEqual(Array.from(before?.data as Float32Array));
  }
  return graph;
}

const ops = (graph: Graph): string[] => graph.nodes.map(({ op }) => op);
const reductions = ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'SumSquare', 'L1', 'L2', 'LogSum', 'LogSumExp'].map(
  (kind) => `Reduce${kind}`,
);

describe('upgrade() computes the same', () => {
  it.each(reductions.flatMap((op) => [11, 12].map((opset) => [op, opset] as const)))(
    'for %s at opset %i',
    async (op, opset) => {
      await expectSame({
        opset,
        nodes: [node(op, ['x'], ['y0'], { axes: [0, -1], keepdims: 0 })],
        ranks: [1],
      });
      await expectSame({ opset, nodes: [node(op, ['x'], ['y0'])], ranks: [3] });
    },
  );

  it('for ReduceMean at opset 17, whose axes are still an attribute, and ReduceSum, whose are an input', async () => {
    await expectSame({ opset: 17, nodes: [node('ReduceMean', ['x'], ['y0'], { axes: [1] })], ranks: [3] });
    await expectSame({
      opset: 17,
      nodes: [node('ReduceSum', ['x', 'axes'], ['y0'])],
      ranks: [3],
      initializers: { axes: i64([1]) },
    });
  });

  it('for Squeeze and Unsqueeze', async () => {
    const x = f32(2, 1, 3);
    await expectSame({ opset: 11, x, nodes: [node('Squeeze', ['x'], ['y0'], { axes: [1] })], ranks: [2] });
    await expectSame({ opset: 12, x, nodes: [node('Squeeze', ['x'], ['y0'])], ranks: [2] });
    await expectSame({
      opset: 11,
      x,
      nodes: [node('Unsqueeze', ['x'], ['y0'], { axes: [0, 3] })],
      ranks: [5],
    });
  });

  it('for Split, with sizes and without', async () => {
    await expectSame({
      opset: 11,
      nodes: [node('Split', ['x'], ['y0', 'y1'], { axis: 2, split: [1, 3] })],
      ranks: [3, 3],
    });
    await expectSame({ opset: 12, nodes: [node('Split', ['x'], ['y0', 'y1'], { axis: 2 })], ranks: [3, 3] });
    await expectSame({ opset: 13, nodes: [node('Split', ['x'], ['y0', 'y1'])], ranks: [3, 3] });
    const initializers = { sizes: i64([1, 3]) };
    await expectSame({
      opset: 17,
      nodes: [node('Split', ['x', 'sizes'], ['y0', 'y1'], { axis: 2 })],
      ranks: [3, 3],
      initializers,
    });
  });

  it.each(['Softmax', 'LogSoftmax', 'Hardmax'])('for %s over the last dimensions together', async (op) => {
    for (const axis of [0, 1, 2, -1, -2]) {
      await expectSame({ opset: 12, nodes: [node(op, ['x'], ['y0'], { axis })], ranks: [3] });
    }
    expect(ops(await expectSame({ opset: 11, nodes: [node(op, ['x'], ['y0'])], ranks: [3] }))).toEqual([
      'Flatten',
      op,
      'Shape',
      'Reshape',
    ]);
    await expectSame({ opset: 13, nodes: [node(op, ['x'], ['y0'], { axis: 1 })], ranks: [3] });
  });

  it('for a Softmax over the last axis, which stays one node', async () => {
    const graph = await expectSame({
      opset: 11,
      x: f32(2, 5),
      nodes: [node('Softmax', ['x'], ['y0'])],
      ranks: [2],
    });
    expect(ops(graph)).toEqual(['Softmax']);
    const after = [node('Squeeze', ['x'], ['s'], { axes: [1] }), node('Softmax', ['s'], ['y0'])];
    expect(ops(await expectSame({ opset: 11, x: f32(2, 1, 5), nodes: after, ranks: [2] }))).toEqual([
      'Squeeze',
      'Softmax',
    ]);
  });

  it('for a Softmax behind an operator whose shape is not known', async () => {
    const nodes = [
      node('Einsum', ['x'], ['e'], { equation: 'abc->acb' }),
      node('Softmax', ['e'], ['y0'], { axis: 2 }),
    ];
    await expectSame({ opset: 12, nodes, ranks: [3] });
  });

  it('for Dropout, which does nothing in inference', async () => {
    const graph = await expectSame({
      opset: 11,
      nodes: [node('Dropout', ['x'], ['y0'], { ratio: 0.25 })],
      ranks: [3],
    });
    expect(graph.initializers.get(graph.nodes[0]?.inputs[1] ?? '')?.data[0]).toBe(0.25);
    await expectSame({ opset: 12, nodes: [node('Dropout', ['x'], ['y0'])], ranks: [3] });
  });

  it('for BatchNormalization', async () => {
    const initializers = { s: f32(3), b: f32(3), m: f32(3), v: f32(3) };
    const nodes = [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y0'], { momentum: 0.5 })];
    await expectSame({ opset: 11, nodes, ranks: [3], initializers });
    await expectSame({ opset: 14, nodes, ranks: [3], initializers });
  });

  it('for Resize, whose empty inputs are left out', async () => {
    const floats = (...values: number[]): Tensor => ({
      dtype: 'float32',
      dims: [values.length],
      data: Float32Array.from(values),
    });
    const x = f32(1, 1, 2, 3);
    const initializers = {
      roi: floats(),
      none: floats(),
      scales: floats(1, 1, 2, 2),
      sizes: i64([1, 1, 5, 6]),
    };
    const settings = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    const graph = await expectSame({
      opset: 11,
      x,
      nodes: [node('Resize', ['x', 'roi', 'scales'], ['y0'], settings)],
      ranks: [4],
      initializers,
    });
    expect(graph.nodes[0]?.inputs).toEqual(['x', '', 'scales']);
    await expectSame({
      opset: 11,
      x,
      nodes: [node('Resize', ['x', 'roi', 'none', 'sizes'], ['y0'], settings)],
      ranks: [4],
      initializers,
    });
  });

  it('for operators that have not changed their form, at the oldest and the newest opset', async () => {
    const nodes = [
      node('Clip', ['x', 'low', 'high'], ['c']),
      node('Pad', ['c', 'pads', 'low'], ['p']),
      node('MaxPool', ['p'], ['m'], { kernel_shape: [2], ceil_mode: 1, strides: [2] }),
      node('Transpose', ['m'], ['y0'], { perm: [1, 2, 0] }),
    ];
    const number = (data: number): Tensor => ({ dtype: 'float32', dims: [], data: Float32Array.of(data) });
    const initializers = { low: number(0.6), high: number(1.4), pads: i64([0, 0, 1, 0, 0, 2]) };
    await expectSame({ opset: oldestOpset, nodes, ranks: [3], initializers });
    await expectSame({ opset: newestOpset, nodes, ranks: [3], initializers });
  });
});

describe('upgrade()', () => {
  const read = (opset: number, nodes: NodeInit[]) => () => readModel(bytesOf({ opset, nodes, ranks: [3] }));

  it('refuses forms that have no equal, naming operator and node', () => {
    const training = { ...node('BatchNormalization', ['x', 'x', 'x', 'x', 'x'], ['y0', 'mean']), name: 'bn' };
    expect(read(13, [training])).toThrow(
      'Cannot bring BatchNormalization "bn" to opset 21: its training outputs',
    );
    expect(read(16, [node('GridSample', ['x', 'x'], ['y0'])])).toThrow(
      'Cannot bring GridSample "GridSample_y0" to opset 21: the operator changed',
    );
    const resize = node('Resize', ['x', 'x', 'x'], ['y0'], {
      coordinate_transformation_mode: 'tf_half_pixel_for_nn',
    });
    expect(read(11, [resize])).toThrow('tf_half_pixel_for_nn');
  });

  it('refuses operators and attributes that came later', () => {
    expect(read(23, [node('RMSNormalization', ['x', 'x'], ['y0'])])).toThrow('the operator is newer');
    expect(read(24, [node('Cast', ['x'], ['y0'], { to: 1, round_mode: 'nearest' })])).toThrow(
      'its attribute "round_mode" is newer',
    );
    expect(
      read(24, [node('Cast', ['x'], ['y0'], { to: 1, round_mode: 'up' })])().nodes[0]?.attributes,
    ).toEqual({
      to: { type: 'int', value: 1 },
    });
  });

  it('reaches nested graphs and leaves other operator sets alone', () => {
    const inner = new Graph('inner');
    inner.addNode('Squeeze', ['x'], ['out'], { axes: { type: 'ints', value: [0] } });
    const graph = new Graph('outer');
    graph.addNode('If', ['flag'], ['y'], { then_branch: { type: 'graph', value: inner } });
    const custom = graph.addNode('Softmax', ['y'], ['z'], {}, 'com.example');
    upgrade(graph, 11);
    expect(inner.nodes[0]?.inputs).toEqual(['x', 'out_axes']);
    expect(custom.attributes).toEqual({});
  });
});
