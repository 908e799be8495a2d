import { elementCount } from '../../shared/tensor.ts';
import type { Dataset } from '../engine/dataset.ts';
import { matrix, type Matrix } from '../linalg/matrix.ts';
import type { Graph } from '../onnx/graph.ts';
import { addPadding, bandsOf, overBands, type Bands } from './bands.ts';
import { maxDenseInputs } from './gramForm.ts';
import { inputsFor, type Network } from './network.ts';
import { NetworkWriter } from './networkWriter.ts';
import { addUp, overSamples, samplesAtOnce, type GramOptions } from './overSamples.ts';
import {
  emptyTotals,
  symmetricProducts,
  writeProducts,
  type SymmetricProducts,
} from './symmetricProducts.ts';
import { ownColumns } from './taskGram.ts';
import { single } from './taskSet.ts';
import { homesOf, TaskWriter } from './taskWriter.ts';
import { valueAt, type Layer } from './topology.ts';
import { unfold } from './unfold.ts';

/**
 * The Gram matrix of one task at one layer, through the network as it stands, in the order of the task's own network, the
 * bias last; float64 sums, inputs streamed in chunks, large maps in bands.
 *
 * @throws {Error} when the layer has too many inputs or there are no samples.
 */
export async function measureGram(
  network: Network,
  step: Layer,
  task: number,
  data: Dataset,
  options: GramOptions,
): Promise<Matrix> {
  const n = inputsOf(network, step, task);
  if (n >= maxDenseInputs) {
    const size = ((8 * (n + 1) ** 2) / 2 ** 30).toFixed(1);
    throw new Error(`Cannot measure ${step.name}: the Gram matrix of its ${n} inputs would take ${size} GiB`);
  }
  const { size } = valueAt(network.topology, step.output);
  const bands = bandsOf(n, step.convolution, size, options);
  const { products, totals } = bands
    ? await sumInBands(network, step, task, data, bands, options)
    : await sumInChunks(network, step, task, data, options);
  const count = options.samples.length * elementCount(size);
  return bordered(products, totals, count, ownColumns(network, step, task));
}

interface Sum {
  readonly products: SymmetricProducts;
  readonly totals: Readonly<Record<string, Float64Array>>;
}

async function sumInChunks(
  network: Network,
  step: Layer,
  task: number,
  data: Dataset,
  options: GramOptions,
): Promise<Sum> {
  const n = inputsOf(network, step, task);
  const { size } = valueAt(network.topology, step.output);
  const writer = new NetworkWriter(network, 'gram');
  const joined = writeInput(network, step.input, task, writer);
  const columns = unfold(writer.graph, joined, step.convolution, size, n);
  const products = symmetricProducts(n);
  writeProducts(writer.graph, columns, products);
  const totals = emptyTotals(products);
  const graph = writer.finish(Object.keys(totals));
  const chunk = samplesAtOnce(network, n, elementCount(size));
  await overSamples(graph, step.name, data, chunk, options, (results) => addUp(totals, results));
  return { products, totals };
}

/** The maps that the layer reads one by one, each unfolded in bands. */
async function sumInBands(
  network: Network,
  step: Layer,
  task: number,
  data: Dataset,
  bands: Bands,
  options: GramOptions,
): Promise<Sum> {
  const writer = new NetworkWriter(network, 'map');
  const map = addPadding(writer.graph, writeInput(network, step.input, task, writer), bands.convolution);
  const products = symmetricProducts(bands.inputs);
  const totals = emptyTotals(products);
  const work = {
    map,
    write(graph: Graph, columns: string): string[] {
      writeProducts(graph, columns, products);
      return Object.keys(totals);
    },
  };
  const graph = writer.finish([map]);
  await overBands(graph, step.name, data, bands, work, options, (results) => addUp(totals, results));
  return { products, totals };
}

/** Inputs of one output position of a layer that one task has, the bias not among them. */
export const inputsOf = (network: Network, step: Layer, task: number): number =>
  inputsFor(network, step, single(task)).reduce((sum, { columns }) => sum + columns, 0);

/** Writes what a task's samples look like where a step reads them; returns the value's name, channels as the task has them. */
export function writeInput(network: Network, value: number, task: number, writer: NetworkWriter): string {
  const input = writer.input(network.topology.input.name);
  const reader = new TaskWriter(writer, network, task, { input: () => input });
  return reader.joined(value, homesOf(network, value, task));
}

/**
 * The mean, with the constant input of the bias as last row and column.
 *
 * @param places where each input goes
 */
function bordered(
  { blocks, sums }: SymmetricProducts,
  totals: Sum['totals'],
  count: number,
  places: Uint32Array,
): Matrix {
  const n = places.length;
  const gram = matrix(n + 1, n + 1);
  const at = (input: number): number => places[input] ?? 0;
  for (const { name, top, left, rows, cols } of blocks) {
    const total = totals[name] ?? new Float64Array();
    for (let i = 0; i < rows; i += 1) {
      const row = at(top + i);
      for (let j = 0; j < cols; j += 1) {
        const col = at(left + j);
        const mean = (total[i * cols + j] ?? 0) / count;
        gram.data[row * (n + 1) + col] = mean;
        gram.data[col * (n + 1) + row] = mean;
      }
    }
  }
  const all = sums.flatMap(({ name }) => [...(totals[name] ?? [])]);
  for (let i = 0; i < n; i += 1) {
    const mean = (all[i] ?? 0) / count;
    gram.data[at(i) * (n + 1) + n] = mean;
    gram.data[n * (n + 1) + at(i)] = mean;
  }
  gram.data[n * (n + 1) + n] = 1;
  return gram;
}
