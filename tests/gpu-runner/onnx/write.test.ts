import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { dataTypes, type DataType, type Tensor } from '../../../shared/tensor.ts';
import { Graph, float, int, ints } from '../../../gpu-runner/onnx/graph.ts';
import { readModel } from '../../../gpu-runner/onnx/read.ts';
import type { ExternalLocation } from '../../../gpu-runner/onnx/tensor-proto.ts';
import { writeModel } from '../../../gpu-runner/onnx/write.ts';
import { bools, f32, i64, runModel } from './single-node.ts';

/** y = relu(x w + b), whose product is also computed here. */
function dense(): { graph: Graph; expected: number[] } {
  const [x, w, b] = [f32(2, 3), f32(3, 4), Float32Array.of(-1, -2, -3, -4)];
  const graph = new Graph('dense');
  graph.inputs.push({ name: 'x', dtype: 'float32', dims: ['N', 3] });
  graph.outputs.push({ name: 'y', dtype: 'float32', dims: ['N', 4] });
  graph.initializers.set('w', w).set('b', { dtype: 'float32', dims: [4], data: b });
  graph.addNode('Gemm', ['x', 'w', 'b'], ['sum'], { alpha: float(1), transA: int(0) });
  graph.addNode('Relu', ['sum'], ['y']);
  graph.metadata.set('task', 'digit');
  const expected = Array.from({ length: 8 }, (_, at) => {
    const [row, column] = [Math.floor(at / 4), at % 4];
    let sum = b[column] ?? 0;
    for (let k = 0; k < 3; k += 1) sum += (x.data[row * 3 + k] ?? 0) * (w.data[k * 4 + column] ?? 0);
    return Math.max(0, sum);
  });
  return { graph, expected };
}

function expectClose(actual: ort.Tensor | undefined, expected: readonly number[]): void {
  const values = Array.from(actual?.data as Float32Array);
  expect(values).toHaveLength(expected.length);
  for (const [index, value] of values.entries()) expect(value).toBeCloseTo(expected[index] ?? NaN, 5);
}

describe('writeModel()', () => {
  it('makes a file that ONNX Runtime runs, with the result computed by hand', async () => {
    const { graph, expected } = dense();
    const { y } = await runModel(writeModel(graph), { x: f32(2, 3) });
    expect(expected.some((value) => value === 0) && expected.some((value) => value > 0)).toBe(true);
    expectClose(y, expected);
  });

  it('is read back as the same graph', () => {
    const { graph } = dense();
    graph.domains.set('com.microsoft', 1);
    expect(readModel(writeModel(graph))).toEqual(graph);
  });

  it('keeps every kind of attribute', () => {
    const { graph } = dense();
    const inner = new Graph('inner');
    inner.addNode('Neg', ['x'], ['out']);
    inner.outputs.push({ name: 'out', dtype: 'float32', dims: [null, 'M', 3] });
    graph.domains.set('com.example', 2);
    graph.addNode(
      'Custom',
      ['y', ''],
      ['z', '', 'u'],
      {
        int: int(-3),
        float: float(0.25),
        string: { type: 'string', value: 'größe' },
        tensor: { type: 'tensor', value: i64([1, 2]) },
        ints: ints([1, -1]),
        floats: { type: 'floats', value: [0.5, -1.5] },
        strings: { type: 'strings', value: ['a', ''] },
        graph: { type: 'graph', value: inner },
      },
      'com.example',
    );
    expect(readModel(writeModel(graph))).toEqual(graph);
  });

  it('takes INT64_MAX, which numbers round up, as the largest int64', () => {
    const { graph } = dense();
    const node = graph.nodes[1];
    if (node) node.attributes['end'] = int(2 ** 63);
    expect(readModel(writeModel(graph)).nodes[1]?.attributes['end']).toEqual(int(2 ** 63));
  });

  it('passes tensors of every type that ONNX Runtime has in JavaScript through it unchanged', async () => {
    const tensors: Partial<Record<DataType, Tensor>> = {
      float32: f32(2),
      float64: { dtype: 'float64', dims: [2], data: Float64Array.of(0.1, -1e300) },
      int8: { dtype: 'int8', dims: [2], data: Int8Array.of(-128, 127) },
      uint8: { dtype: 'uint8', dims: [2], data: Uint8Array.of(0, 255) },
      int16: { dtype: 'int16', dims: [2], data: Int16Array.of(-32768, 1) },
      uint16: { dtype: 'uint16', dims: [2], data: Uint16Array.of(65535, 1) },
      int32: { dtype: 'int32', dims: [2], data: Int32Array.of(-(2 ** 31), 1) },
      uint32: { dtype: 'uint32', dims: [2], data: Uint32Array.of(2 ** 32 - 1, 1) },
      int64: i64([2 ** 60, -1]),
      uint64: { dtype: 'uint64', dims: [2], data: BigUint64Array.of(2n ** 64n - 1n, 1n) },
      bool: bools(2),
      string: { dtype: 'string', dims: [2], data: ['ä', ''] },
    };
    const graph = new Graph();
    for (const [name, tensor] of Object.entries(tensors)) {
      graph.initializers.set(name, tensor);
      graph.addNode('Identity', [name], [`${name}_out`]);
      graph.outputs.push({ ...tensor, name: `${name}_out` });
    }
    const results = await runModel(writeModel(graph), {});
    for (const [name, tensor] of Object.entries(tensors)) {
      expect(results[`${name}_out`]?.type).toBe(name);
      expect(results[`${name}_out`]?.data).toEqual(tensor.data);
    }
    expect(Object.keys(dataTypes).length - Object.keys(tensors).length).toBe(2); // the 16-bit floats
  });

  it('may name inputs and initializers as outputs', async () => {
    const { graph, expected } = dense();
    graph.outputs.push(
      { name: 'b', dtype: 'float32', dims: [4] },
      { name: 'x', dtype: 'float32', dims: ['N', 3] },
    );
    const results = await runModel(writeModel(graph), { x: f32(2, 3) });
    expectClose(results['y'], expected);
    expectClose(results['b'], [-1, -2, -3, -4]);
    expectClose(results['x'], Array.from(f32(2, 3).data));
  });

  it('gives large tensors to a data file, which ONNX Runtime takes from memory', async () => {
    const { graph, expected } = dense();
    const pieces: Uint8Array[] = [];
    let offset = 0;
    const place = (name: string, bytes: Uint8Array): ExternalLocation => {
      expect(name).toBe('w');
      const at = { location: 'weights.bin', offset, length: bytes.length };
      pieces.push(bytes);
      offset += bytes.length;
      return at;
    };
    const bytes = writeModel(graph, { externalData: { threshold: 17, place } });
    const data = Buffer.concat(pieces);
    expect(data).toHaveLength(48);
    const session = await ort.InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      externalData: [{ path: 'weights.bin', data }],
    });
    const { y } = await session.run({ x: new ort.Tensor('float32', f32(2, 3).data, [2, 3]) });
    expectClose(y, expected);
    expect(readModel(bytes, { externalData: () => data })).toEqual(graph);
    expect(() => readModel(bytes)).toThrow('it lies in data file "weights.bin", which was not given');
  });

  it('refuses a graph that is not valid before it writes anything', () => {
    const { graph } = dense();
    graph.initializers.delete('w');
    expect(() => writeModel(graph)).toThrow('Gemm "Gemm" reads "w", which is not defined before it');
  });

  it('refuses more tensors than a file can hold', () => {
    const { graph } = dense();
    // All share one buffer.
    const data = new Float32Array(2 ** 24);
    for (let index = 0; index < 33; index += 1)
      graph.initializers.set(`t${index}`, { dtype: 'float32', dims: [2 ** 24], data });
    expect(() => writeModel(graph)).toThrow(/bytes of tensors need external data \(2 GiB a file\)/);
  });
});
