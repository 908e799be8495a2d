import type { Dataset } from '../../gpu-runner/engine/dataset.ts';
import { Random } from '../../gpu-runner/engine/random.ts';
import { cholesky, choleskySolve } from '../../gpu-runner/linalg/cholesky.ts';
import { at, beside, matrix, row, type Matrix } from '../../gpu-runner/linalg/matrix.ts';
import { absorbDropped } from '../../gpu-runner/mtz/absorb.ts';
import { measureGram } from '../../gpu-runner/mtz/gram.ts';
import { joinNets, rounded, rowsOf, weightedSteps } from '../../gpu-runner/mtz/network.ts';
import { readNet } from '../../gpu-runner/mtz/readNet.ts';
import { damp } from '../../gpu-runner/mtz/taskGram.ts';
import { taskGraph } from '../../gpu-runner/mtz/wiring.ts';
import type { Graph } from '../../gpu-runner/onnx/graph.ts';

export interface PruneOptions {
  /** Fraction (0 to 1) of each layer's weights that stay, in order. */
  readonly kept: readonly number[];
  /** Samples that inputs are measured on. */
  readonly gramSamples: number;
  readonly damping: number;
  readonly seed: number;
}

/**
 * Prunes a network once, layer by layer, as Layer-wise Optimal Brain Surgeon does (Dong, Chen and Pan 2017): with H the
 * Gram matrix of a layer's inputs, the weights of least w^2 / [H^-1]_qq go, and those that stay make up for them by
 * least squares. Biases stay.
 */
export async function prune(graph: Graph, data: Dataset, options: PruneOptions): Promise<Graph> {
  const { kept, gramSamples, damping, seed } = options;
  const task = 'pruned';
  let network = joinNets([readNet(graph, task, { batchNorm: 'fold' })], 'crossed');
  for (const [index, step] of weightedSteps(network).entries()) {
    const [rows] = rowsOf(network, step);
    const [part] = rows?.parts ?? [];
    if (step.kind !== 'layer' || !rows || !part?.bias)
      throw new Error(`Cannot prune ${step.name}: only layers that read all channels can be`);
    const samples = new Random(seed, index).permutation(data.size).subarray(0, gramSamples);
    const measured = await measureGram(network, step, 0, data, { samples, provider: 'cpu' });
    const { rows: channels, cols } = part.weight;
    const weights = beside([part.weight, matrix(channels, 1, part.bias)], channels);
    const fraction = kept[index];
    if (fraction === undefined)
      throw new Error(
        `Cannot prune ${step.name}: it is layer ${index + 1}, and ${kept.length} fractions are given`,
      );
    const pruned = await pruneLayer(weights, damp(measured, damping, 1), fraction);
    const each = Array.from({ length: channels }, (_, channel) => row(pruned, channel));
    const weight = matrix(
      channels,
      cols,
      each.flatMap((values) => [...values.subarray(0, cols)]),
    );
    const bias = Float64Array.from(each, (values) => Math.fround(values[cols] ?? 0));
    const replaced = { ...rows, parts: [{ ...part, weight: rounded(weight), bias }] };
    network = { ...network, rows: new Map(network.rows).set(step.name, [replaced]) };
  }
  return taskGraph(network, task);
}

/**
 * @param weights [channels, inputs + 1], bias last
 * @param gram [inputs + 1, inputs + 1], positive definite
 */
export async function pruneLayer(weights: Matrix, gram: Matrix, kept: number): Promise<Matrix> {
  const n = gram.rows;
  const identity = matrix(n, n);
  for (let q = 0; q < n; q += 1) identity.data[q * n + q] = 1;
  const inverse = await choleskySolve(await cholesky(gram), identity);
  const saliencies = Array.from({ length: weights.rows }, (_, channel) =>
    row(weights, channel).map((w, q) => (q === n - 1 ? Infinity : w ** 2 / at(inverse, q, q))),
  );
  const sorted = Float64Array.from(saliencies.flatMap((each) => [...each.subarray(0, n - 1)])).sort();
  const least = sorted[sorted.length - Math.round(kept * sorted.length)] ?? Infinity;
  const result = matrix(weights.rows, n);
  for (const [channel, saliency] of saliencies.entries()) {
    const stays = [...saliency.keys()].filter((q) => (saliency[q] ?? 0) >= least);
    const own = matrix(1, n, row(weights, channel).slice());
    const absorbed = await absorbDropped(own, gram, stays);
    for (const [place, q] of stays.entries()) row(result, channel)[q] = absorbed.weights.data[place] ?? 0;
  }
  return result;
}
