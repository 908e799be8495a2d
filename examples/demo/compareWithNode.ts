import { openBundle } from '../../gpu-runner/bundle/openBundle.ts';
import type { Dataset } from '../../gpu-runner/engine/dataset.ts';
import type { Reply } from './client.ts';
import { predicted } from './questions.ts';
import type { StoredBundle } from './packNets.ts';

export interface NodeComparison {
  readonly maxAbsDifference: number;
  readonly differentPredictions: number;
}

/** Answers what the edge answered once more, with onnxruntime-node and the bundles' own files. */
export async function compareWithNode(
  bundles: readonly StoredBundle[],
  replies: readonly Reply[],
  datasets: Readonly<Record<string, Dataset>>,
): Promise<NodeComparison> {
  let maxAbsDifference = 0;
  let differentPredictions = 0;
  for (const { bundle } of bundles) {
    const [input] = bundle.manifest.inputs;
    const opened = await openBundle(bundle.manifest, bundle.files, { provider: 'cpu' });
    try {
      for (const { question, logits } of replies) {
        const dataset = datasets[question.task];
        if (!dataset || !input || !bundle.manifest.heads.some((head) => head.task === question.task))
          continue;
        const data = dataset.inputs([question.index]);
        const dims = [1, ...dataset.sampleDims];
        const answers = await opened.run({ [input.name]: { dtype: 'float32', dims, data } }, [question.task]);
        const expected = answers[question.task];
        if (expected?.dtype !== 'float32' || expected.data.length !== logits.length)
          throw new Error(`Cannot compare task "${question.task}": onnxruntime-node answers another shape`);
        for (const [index, value] of expected.data.entries())
          maxAbsDifference = Math.max(maxAbsDifference, Math.abs(value - (logits[index] ?? NaN)));
        if (predicted(expected.data) !== predicted(logits)) differentPredictions += 1;
      }
    } finally {
      await opened.release();
    }
  }
  return { maxAbsDifference, differentPredictions };
}
