import type { Tensor } from '../../../shared/tensor.ts';
import type { Provider } from '../../engine/providers.ts';
import type { Graph } from '../../onnx/graph.ts';
import { Histogram } from './histogram.ts';
import { mapParts, openParts, partsOf, trunkName, type Parts } from './parts.ts';

/** What activations were seen to be, by part and by name. */
export type Calibration = ReadonlyMap<string, ReadonlyMap<string, Histogram>>;

export interface CalibrateOptions {
  readonly provider: Provider;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs the float network over real samples and records how its activations are distributed: once for their extent, once
 * for the histogram in it.
 *
 * @param values names of the activations to record, by part
 * @throws {Error} when there is no sample, or an activation is not finite
 */
export async function calibrate(
  parts: Parts,
  values: ReadonlyMap<string, ReadonlySet<string>>,
  batches: readonly Tensor<'float32'>[],
  { provider, signal }: CalibrateOptions,
): Promise<Calibration> {
  const samples = batches.reduce((sum, { dims }) => sum + (dims[0] ?? 0), 0);
  if (samples === 0) throw new Error('Cannot calibrate: there is no sample');
  const watched = mapParts(parts, (graph, part) => watch(graph, values.get(part) ?? new Set()));
  const calibration = new Map(
    [...values].map(([part, names]) => [part, new Map([...names].map((name) => [name, new Histogram()]))]),
  );
  const open = await openParts(watched, { provider });
  try {
    for (const pass of ['extent', 'counts'] as const) {
      for (const batch of batches) {
        signal?.throwIfAborted();
        const outputs = await open.run(batch);
        for (const { part, graph } of partsOf(watched)) {
          const seen = { ...outputs.get(trunkName), ...outputs.get(part) };
          for (const [name, histogram] of calibration.get(part) ?? []) {
            const isInput = graph.inputs.some((input) => input.name === name);
            const value = seen[watchedName(name)] ?? seen[name] ?? (isInput ? batch : undefined);
            if (value?.dtype !== 'float32')
              throw new Error(
                `Cannot calibrate "${name}" of ${part}: it is ${value?.dtype ?? 'not computed'}`,
              );
            if (pass === 'extent') histogram.widen(value.data, name);
            else histogram.count(value.data);
          }
        }
      }
    }
  } finally {
    await open.release();
  }
  return calibration;
}

const watchedName = (value: string): string => `${value}:watched`;

/** A copy that also puts out `values`, flattened: their shapes need not be known. */
function watch(graph: Graph, values: ReadonlySet<string>): Graph {
  const seen = graph.clone();
  const inputs = new Set(seen.inputs.map(({ name }) => name));
  const flat = seen.fresh('flat');
  seen.initializers.set(flat, { dtype: 'int64', dims: [1], data: BigInt64Array.of(-1n) });
  for (const value of values) {
    if (inputs.has(value)) continue;
    seen.addNode('Reshape', [value, flat], [watchedName(value)]);
    seen.outputs = [...seen.outputs, { name: watchedName(value), dtype: 'float32', dims: [null] }];
  }
  return seen;
}
