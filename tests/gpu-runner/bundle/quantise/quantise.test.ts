import { describe, expect, it } from 'vitest';
import { answersOf, compareAnswers } from '../../../../gpu-runner/bundle/quantise/measure.ts';
import { quantise, type QuantiseOptions } from '../../../../gpu-runner/bundle/quantise/quantise.ts';
import { memoryDataset, type Dataset } from '../../../../gpu-runner/engine/dataset.ts';
import { createSession } from '../../../../gpu-runner/engine/session.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { validate } from '../../../../gpu-runner/onnx/validate.ts';
import { writeModel } from '../../../../gpu-runner/onnx/write.ts';
import type { Tensor } from '../../../../shared/tensor.ts';
import { NetBuilder } from '../../mtz/nets/builder.ts';
import { everyNet } from '../../mtz/nets/all.ts';
import { lenet } from '../../mtz/nets/lenet.ts';
import { runOnWeb } from '../ortWeb.ts';

function samples(graph: Graph, count: number, seed = 3): Tensor<'float32'> {
  const random = new Random(seed);
  const dims = [count, ...(graph.inputs[0]?.dims.slice(1) ?? [])] as number[];
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal());
  return { dtype: 'float32', dims, data };
}

const cpu: QuantiseOptions = { provider: 'cpu' };
const only = (graph: Graph) => ({ trunk: null, heads: [{ task: 'task', graph }] });
const typesOf = (graph: Graph): string[] => [...graph.initializers.values()].map(({ dtype }) => dtype);

async function answer(graph: Graph, batch: Tensor<'float32'>): Promise<Float32Array> {
  const session = await createSession(graph, { provider: 'cpu' });
  const results = await session.run({ [graph.inputs[0]?.name ?? '']: batch });
  await session.release();
  return results[graph.outputs[0]?.name ?? '']?.data as Float32Array;
}

/** Labels that the graph itself gives: it answers all of them right. */
async function labelled(graph: Graph, batch: Tensor<'float32'>, classes: number): Promise<Dataset> {
  const scores = await answer(graph, batch);
  const [count = 0, ...sampleDims] = batch.dims;
  const labels = Int32Array.from({ length: count }, (_, row) => {
    const own = scores.subarray(row * classes, (row + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
  return memoryDataset({ sampleDims, classes, labels, inputs: batch.data });
}

/**
 * Two dense layers with an activation a thousand times larger than the others between them, which the second layer reads
 * with a weight a thousand times smaller: one scale for all of them is too coarse.
 */
function uneven(): Graph {
  const net = new NetBuilder('uneven', 2);
  const hidden = net.relu(net.dense('wide', net.input([6]), 8));
  const graph = net.end(net.dense('last', hidden, 3));
  const scale = (
    name: string,
    rows: number,
    columns: number,
    at: (row: number, column: number) => number,
  ): void => {
    const { data } = graph.initializers.get(name) as Tensor<'float32'>;
    for (let row = 0; row < rows; row += 1)
      for (let column = 0; column < columns; column += 1)
        data[row * columns + column] = (data[row * columns + column] ?? 0) * at(row, column);
  };
  scale('wide.weight', 8, 6, (row) => (row === 0 ? 3000 : 1));
  scale('last.weight', 3, 8, (_, column) => (column === 0 ? 1 / 3000 : 1));
  return graph;
}

describe('quantise()', () => {
  it.each(Object.entries(everyNet))('stores a %s as int8 and answers nearly the same', async (_, make) => {
    const graph = make(1);
    const before = writeModel(graph);
    const batch = samples(graph, 24);
    const { heads, error, excluded, quantised } = await quantise(only(graph), [batch], cpu);
    const small = heads[0]?.graph;
    if (!small) throw new Error('no head');
    validate(small);
    expect(excluded).toEqual([]);
    expect(quantised).toBeGreaterThan(0);
    expect([small.inputs, small.outputs]).toEqual([graph.inputs, graph.outputs]);
    expect(error.task?.relative).toBeGreaterThan(0);
    expect(error.task?.relative).toBeLessThan(0.05);
    expect(typesOf(small).filter((type) => type === 'int8').length).toBeGreaterThanOrEqual(quantised);
    // Sources stay as they are.
    expect(writeModel(graph)).toEqual(before);
  });

  it('reports the error that its graphs have', async () => {
    const graph = lenet({ seed: 1 });
    const batches = [samples(graph, 20), samples(graph, 12, 4)];
    const { error, ...small } = await quantise(only(graph), batches, cpu);
    const collect = async (parts: ReturnType<typeof only>) => {
      const all = [];
      for await (const one of answersOf(parts, batches, { provider: 'cpu' })) all.push(one);
      return all;
    };
    const expected = compareAnswers(
      await collect(only(graph)),
      await collect({ trunk: null, heads: [...small.heads] }),
    );
    expect(error).toEqual(expected);
    expect(small.calibrationSamples).toBe(32);
  });

  it('computes in ONNX Runtime Web what it computes natively, to a step of the integers', async () => {
    const graph = lenet({ seed: 1 });
    const batch = samples(graph, 16);
    for (const activations of ['uint8', 'int8'] as const) {
      const { heads, error } = await quantise(only(graph), [batch], { ...cpu, activations });
      const small = heads[0]?.graph ?? graph;
      const [native, web] = [await answer(small, batch), await runOnWeb(small, batch)];
      for (const [index, value] of native.entries())
        expect(Math.abs((web[index] ?? NaN) - value)).toBeLessThan(0.5 * (error.task?.maxAbs ?? 0) + 1e-4);
    }
  });

  it('rounds a tap in the trunk and in the heads on the same scale', async () => {
    // Pooled, the tap is distributed otherwise than what its scale was chosen for.
    const below = new NetBuilder('trunk', 5);
    const pooled = below.pool('MaxPool', below.conv('conv', below.input([1, 8, 8]), 4), { kernel: 2 });
    const head = (task: string, classes: number) => {
      const net = new NetBuilder(task, 6);
      return {
        task,
        graph: net.end(net.dense('fc', net.flatten(net.input([4, 4, 4], 'features')), classes)),
      };
    };
    const parts = {
      trunk: below.end(pooled, 'features'),
      heads: [head('digit', 3), head('fashion', 5)],
    };
    const batch = samples(parts.trunk, 30);
    for (const method of ['min-max', 'percentile', 'least-squares'] as const) {
      const { trunk, heads } = await quantise(parts, [batch], { ...cpu, methods: [method], maxError: 0.5 });
      const scaleOf = (graph: Graph | null, op: string, value: string): number[] => {
        const node = graph?.nodes.find(
          (one) => one.op === op && (one.inputs[0] === value || one.outputs[0] === value),
        );
        return [1, 2].map((index) =>
          Number(graph?.initializers.get(node?.inputs[index] ?? '')?.data[0] ?? NaN),
        );
      };
      const inTrunk = scaleOf(trunk, 'DequantizeLinear', 'features');
      expect(inTrunk).not.toContain(NaN);
      for (const { graph } of heads) expect(scaleOf(graph, 'QuantizeLinear', 'features')).toEqual(inTrunk);
      // What it hands on is float32 under the same name, and already on the steps that the heads take.
      expect(trunk?.outputs).toEqual(parts.trunk.outputs);
      const [step = NaN, zero = NaN] = inTrunk;
      const features = await answer(trunk ?? parts.trunk, batch);
      for (const value of features.subarray(0, 500)) {
        const integer = value / step + zero;
        expect(Math.abs(integer - Math.round(integer))).toBeLessThan(1e-3);
      }
    }
  });

  it('leaves the layer in float32 that costs too much, and says which and why', async () => {
    const graph = uneven();
    const batch = samples(graph, 200);
    const stages: string[] = [];
    const options = {
      ...cpu,
      maxError: 0.02,
      onProgress: ({ stage }: { stage: string }) => stages.push(stage),
    };
    const { excluded, error, quantised, heads } = await quantise(only(graph), [batch], options);
    expect(excluded).toEqual([
      {
        part: 'task',
        layer: '/last/Gemm',
        reason: expect.stringMatching(
          /^the outputs of "task" differ by \d+\.\d\d %, 2\.00 % are allowed; as int8 alone, it makes the outputs differ by \d+\.\d\d %$/,
        ) as string,
      },
    ]);
    expect(quantised).toBe(1);
    expect(error.task?.relative).toBeLessThan(0.02);
    expect(heads[0]?.graph.initializers.get('last.weight')?.dtype).toBe('float32');
    expect([...new Set(stages)]).toEqual(['calibrate', 'choose-ranges', 'rank', 'exclude']);
  });

  it('measures accuracy on validation samples, before and after', async () => {
    const graph = lenet({ seed: 1 });
    const validation = { task: await labelled(graph, samples(graph, 100, 8), 3) };
    const { accuracy } = await quantise(only(graph), [samples(graph, 32)], {
      ...cpu,
      validation,
      maxDrop: 0.1,
    });
    expect(accuracy.task).toMatchObject({ before: 1, samples: 100 });
    expect(accuracy.task?.after).toBeGreaterThan(0.9);
  });

  it('gives the same bytes for the same samples', async () => {
    const graph = lenet({ seed: 1 });
    const once = async () =>
      writeModel((await quantise(only(graph), [samples(graph, 16)], cpu)).heads[0]?.graph ?? graph);
    expect(await once()).toEqual(await once());
  });
});

describe('quantise() refuses', () => {
  it('to lose more accuracy than allowed, with the numbers', async () => {
    const graph = uneven();
    const batch = samples(graph, 400);
    const validation = { task: await labelled(graph, batch, 3) };
    const options = { ...cpu, validation, maxDrop: 0.001, maxError: 1, maxExcluded: 0 };
    await expect(quantise(only(graph), [batch], options)).rejects.toThrow(
      /^Cannot quantise: "task" drops from 100\.00 % to \d\d\.\d\d % accuracy, 0\.10 % are allowed, with 0 of 2 layers left float32$/,
    );
    // With the layer that spoils it left float32, it can.
    const { accuracy } = await quantise(only(graph), [batch], { ...options, maxDrop: 0.02, maxExcluded: 1 });
    expect(accuracy.task?.after).toBeGreaterThanOrEqual(0.98);
  });

  it('outputs that differ more than allowed, whatever stays float32', async () => {
    const graph = lenet({ seed: 1 });
    await expect(quantise(only(graph), [samples(graph, 8)], { ...cpu, maxError: 1e-9 })).rejects.toThrow(
      /^Cannot quantise: the outputs of "task" differ by \d\.\d\d %, 0\.00 % are allowed, with 2 of 4 layers left float32 \(.+ of task, .+ of task\)$/,
    );
  });

  it('a network without layers, and no samples', async () => {
    const net = new NetBuilder('relu', 1);
    const graph = net.end(net.relu(net.input([3])));
    await expect(quantise(only(graph), [samples(graph, 2)], cpu)).rejects.toThrow(
      'Cannot quantise: none of 0 layers with weights can compute on integers',
    );
    const small = lenet({ seed: 1 });
    await expect(quantise(only(small), [], cpu)).rejects.toThrow('Cannot calibrate: there is no sample');
  });
});
