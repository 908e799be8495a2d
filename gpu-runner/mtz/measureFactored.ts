import { elementCount, type Tensor } from '../../shared/tensor.ts';
import type { Dataset } from '../engine/dataset.ts';
import { ints, type Graph } from '../onnx/graph.ts';
import { dot, matrix } from '../linalg/matrix.ts';
import { addPadding, bandsOf, overBands } from './bands.ts';
import type { FactoredGram } from './factoredGram.ts';
import { inputsOf, writeInput } from './gram.ts';
import type { Network } from './network.ts';
import { NetworkWriter } from './networkWriter.ts';
import { overSamples, samplesAtOnce, type GramOptions } from './overSamples.ts';
import { ownColumns } from './taskGram.ts';
import { valueAt, type Layer } from './topology.ts';
import { unfold } from './unfold.ts';

/**
 * The Gram matrix of one task at one layer as {@link measureGram} would measure, damp and weigh it, made of the samples
 * themselves: the choice for few samples of very many inputs.
 *
 * @param options.damping relative to the mean diagonal
 * @param options.weight how much the task's loss counts
 * @throws {Error} when there are no samples.
 */
export async function measureFactored(
  network: Network,
  step: Layer,
  task: number,
  data: Dataset,
  options: GramOptions & { readonly damping: number; readonly weight: number },
): Promise<FactoredGram> {
  const n = inputsOf(network, step, task);
  const { size } = valueAt(network.topology, step.output);
  const positions = elementCount(size);
  const writer = new NetworkWriter(network, 'samples');
  const joined = writeInput(network, step.input, task, writer);
  const places = ownColumns(network, step, task);
  const count = options.samples.length * positions;
  const factor = matrix(count, n + 1);
  let filled = 0;
  const take = ({ rows }: Readonly<Record<string, Tensor>>): void => {
    if (rows?.dtype !== 'float32' || rows.data.length % n !== 0)
      throw new Error(`Cannot measure ${step.name}: a chunk has dims [${rows?.dims.join() ?? ''}]`);
    for (let start = 0; start < rows.data.length; start += n, filled += 1) {
      const to = filled * (n + 1);
      for (let k = 0; k < n; k += 1) factor.data[to + (places[k] ?? 0)] = rows.data[start + k] ?? 0;
      factor.data[to + n] = 1;
    }
  };
  const bands = bandsOf(n, step.convolution, size, options);
  if (bands) {
    const map = addPadding(writer.graph, joined, bands.convolution);
    const graph = writer.finish([map]);
    await overBands(graph, step.name, data, bands, { map, write: writeRows }, options, take);
  } else {
    writeRows(writer.graph, unfold(writer.graph, joined, step.convolution, size, n));
    const graph = writer.finish(['rows']);
    await overSamples(graph, step.name, data, samplesAtOnce(network, n, positions), options, take);
  }

  // The mean over samples, weighed: every sample by the root of its share.
  const share = options.weight / count;
  const trace = share * dot(factor.data, factor.data);
  const root = Math.sqrt(share);
  for (let k = 0; k < factor.data.length; k += 1) factor.data[k] = root * (factor.data[k] ?? 0);
  return { rows: n + 1, factors: [factor], damping: (options.damping * trace) / (n + 1) };
}

/** One output position a row: [positions, inputs]. */
function writeRows(graph: Graph, columns: string): string[] {
  graph.addNode('Transpose', [columns], ['rows'], { perm: ints([1, 0]) });
  return ['rows'];
}
