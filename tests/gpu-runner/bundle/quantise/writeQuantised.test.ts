import { describe, expect, it } from 'vitest';
import { quantisedFlow } from '../../../../gpu-runner/bundle/quantise/flow.ts';
import { layersOf } from '../../../../gpu-runner/bundle/quantise/layers.ts';
import type { Scale } from '../../../../gpu-runner/bundle/quantise/scales.ts';
import { writeQuantised } from '../../../../gpu-runner/bundle/quantise/writeQuantised.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import { Graph, int } from '../../../../gpu-runner/onnx/graph.ts';
import { inferShapes } from '../../../../gpu-runner/onnx/shapes.ts';
import { validate } from '../../../../gpu-runner/onnx/validate.ts';
import type { Tensor } from '../../../../shared/tensor.ts';

const weights = [
  [0.5, -1.27, 0.3],
  [2.54, 0.02, -0.6],
];
const biases = [0.125, -0.75];

/** x [N, 3] -> dense -> ReLU -> "y" [N, 2], weights stored one row a channel or one column a channel. */
function dense(transB: 0 | 1): Graph {
  const graph = new Graph('dense');
  graph.inputs = [{ name: 'x', dtype: 'float32', dims: ['N', 3] }];
  graph.outputs = [{ name: 'y', dtype: 'float32', dims: ['N', 2] }];
  const [rows, columns] = transB === 1 ? [2, 3] : [3, 2];
  const data = Float32Array.from({ length: 6 }, (_, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    return (transB === 1 ? weights[row]?.[column] : weights[column]?.[row]) ?? NaN;
  });
  graph.initializers.set('w', { dtype: 'float32', dims: [rows, columns], data });
  graph.initializers.set('b', { dtype: 'float32', dims: [2], data: Float32Array.from(biases) });
  graph.nodes = [
    {
      name: 'fc',
      op: 'Gemm',
      domain: '',
      inputs: ['x', 'w', 'b'],
      outputs: ['h'],
      attributes: { transB: int(transB) },
    },
    { name: 'relu', op: 'Relu', domain: '', inputs: ['h'], outputs: ['y'], attributes: {} },
  ];
  return graph;
}

const inputScale: Scale = { scale: 0.01, zeroPoint: 100 };

function quantised(graph: Graph): Graph {
  const layers = layersOf(graph);
  const flow = quantisedFlow(graph, layers, new Set());
  return writeQuantised(graph, { layers, flow, scales: new Map([['x', inputScale]]), activations: 'uint8' });
}

async function run(graph: Graph, x: Tensor<'float32'>): Promise<number[]> {
  const session = await createSession(graph, { provider: 'cpu' });
  const { y } = await session.run({ x });
  await session.release();
  return Array.from(y?.data as Float32Array);
}

const x: Tensor<'float32'> = {
  dtype: 'float32',
  dims: [2, 3],
  data: Float32Array.of(0.333, -0.5, 1.2, -3, 1.555, 0.0149),
};

/** The same by hand: integers, their exact sum, one scale a channel. */
function byHand(): number[] {
  const { scale, zeroPoint } = inputScale;
  return [0, 1].flatMap((row) => {
    const integers = [0, 1, 2].map((k) =>
      Math.min(255, Math.max(0, Math.round((x.data[3 * row + k] ?? 0) / scale) + zeroPoint)),
    );
    return weights.map((channel, index) => {
      const step = Math.fround(Math.max(...channel.map(Math.abs)) / 127);
      const sum = channel.reduce(
        (total, w, k) => total + Math.round(w / step) * ((integers[k] ?? 0) - zeroPoint),
        0,
      );
      return Math.max(0, (sum + Math.round((biases[index] ?? 0) / (scale * step))) * scale * step);
    });
  });
}

describe('writeQuantised()', () => {
  it('computes a dense layer as integers do by hand, however its weights lie', async () => {
    const expected = byHand();
    for (const transB of [0, 1] as const) {
      const found = await run(quantised(dense(transB)), x);
      for (const [index, value] of expected.entries()) expect(found[index]).toBeCloseTo(value, 5);
    }
  });

  it('stores int8 weights one column a channel and int32 biases, and no float32 of them', () => {
    const graph = quantised(dense(1));
    const types = [...graph.initializers.values()].map(({ dtype, dims }) => `${dtype} [${dims.join()}]`);
    expect(types.sort()).toEqual(
      [
        'float32 []',
        'uint8 []',
        'float32 [2]',
        'float32 [2]',
        'int32 [2]',
        'int32 [2]',
        'int8 [2]',
        'int8 [3,2]',
      ].sort(),
    );
    expect(graph.nodes.map(({ op }) => op).sort()).toEqual(
      ['DequantizeLinear', 'DequantizeLinear', 'DequantizeLinear', 'Gemm', 'QuantizeLinear', 'Relu'].sort(),
    );
  });

  it('keeps inputs, outputs and a graph that this project understands', () => {
    const source = dense(1);
    const graph = quantised(source);
    expect([graph.inputs, graph.outputs]).toEqual([source.inputs, source.outputs]);
    validate(graph);
    expect(inferShapes(graph).get('y')).toEqual({ dtype: 'float32', dims: ['N', 2] });
    expect(source.nodes).toHaveLength(2);
  });

  it('refuses a value without a scale', () => {
    const graph = dense(1);
    const layers = layersOf(graph);
    const flow = quantisedFlow(graph, layers, new Set());
    expect(() => writeQuantised(graph, { layers, flow, scales: new Map(), activations: 'uint8' })).toThrow(
      'Cannot quantise "dense": "x" was not calibrated',
    );
  });
});
