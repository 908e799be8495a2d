import type { Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';

/** Logits of every sample, one row each, from a graph with one input. */
export async function logitsOf(
  graph: Graph,
  data: Dataset,
  output = graph.outputs[0]?.name ?? '',
): Promise<number[][]> {
  const session = await createSession(graph, { provider: 'cpu', threads: 1 });
  const indices = Array.from({ length: data.size }, (_, index) => index);
  const results = await session.run(
    {
      [graph.inputs[0]?.name ?? '']: {
        dtype: 'float32',
        dims: [data.size, ...data.sampleDims],
        data: data.inputs(indices),
      },
    },
    [output],
  );
  await session.release();
  const flat = Array.from(results[output]?.data ?? [], Number);
  const width = flat.length / data.size;
  return indices.map((index) => flat.slice(index * width, (index + 1) * width));
}

/** Share of samples whose largest logit is their label's. */
export async function accuracyOf(graph: Graph, data: Dataset): Promise<number> {
  const rows = await logitsOf(graph, data);
  return rows.filter((row, index) => row.indexOf(Math.max(...row)) === data.labels[index]).length / data.size;
}
