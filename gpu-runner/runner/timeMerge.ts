import type { Comparison } from '../../shared/report.ts';
import { elementCount, type Tensor } from '../../shared/tensor.ts';
import { openBundle } from '../bundle/openBundle.ts';
import type { Bundle } from '../bundle/bundle.ts';
import type { Provider } from '../engine/providers.ts';
import { createSession } from '../engine/session.ts';
import type { Graph } from '../onnx/graph.ts';

const warmUpRounds = 3;
const mostRounds = 50;
/** Large networks are timed by fewer rounds. */
const longestMs = 3000;

/**
 * Median milliseconds of one input and all tasks here: the separate networks one after the other, and the bundle's trunk
 * and heads. Both in turn, so that they meet the same machine.
 *
 * @param graphs the separate networks
 * @throws the signal's reason when it is aborted
 */
export async function timeMerge(
  graphs: readonly Graph[],
  { manifest, files }: Pick<Bundle, 'manifest' | 'files'>,
  { provider, signal }: { readonly provider: Provider; readonly signal?: AbortSignal | undefined },
): Promise<Comparison> {
  const released: { release(): Promise<void> }[] = [];
  try {
    const bundle = await openBundle(manifest, files, { provider });
    released.push(bundle);
    const feeds = zerosFor(manifest.inputs);
    const separate: (() => Promise<unknown>)[] = [];
    for (const graph of graphs) {
      const session = await createSession(graph, { provider });
      released.push(session);
      const own = zerosFor(graph.inputs);
      separate.push(() => session.run(own));
    }
    const times = { separate: [] as number[], zipped: [] as number[] };
    const startedAt = performance.now();
    for (let round = 0; round < warmUpRounds + mostRounds; round += 1) {
      signal?.throwIfAborted();
      const before = performance.now();
      for (const run of separate) await run();
      const between = performance.now();
      await bundle.run(feeds);
      const after = performance.now();
      if (round < warmUpRounds) continue;
      times.separate.push(between - before);
      times.zipped.push(after - between);
      if (after - startedAt > longestMs) break;
    }
    return { separate: median(times.separate), zipped: median(times.zipped) };
  } finally {
    for (const each of released) await each.release();
  }
}

/** One sample of zeros for every input. */
function zerosFor(
  inputs: readonly { readonly name: string; readonly dims: readonly (string | number | null)[] }[],
): Record<string, Tensor<'float32'>> {
  return Object.fromEntries(
    inputs.map(({ name, dims: declared }) => {
      const dims = declared.map((dim) => (typeof dim === 'number' && dim > 0 ? dim : 1));
      return [name, { dtype: 'float32', dims, data: new Float32Array(elementCount(dims)) }];
    }),
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
