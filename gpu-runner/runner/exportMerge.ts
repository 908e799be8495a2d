import type { Report } from '../../shared/report.ts';
import type { Tensor } from '../../shared/tensor.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { exportBundle } from '../bundle/export.ts';
import { jointGraph, type ServingGraphs } from '../mtz/wiring.ts';
import type { Zipped } from '../mtz/zip.ts';
import type { MergeOptions } from './mergeOptions.ts';
import type { Stored, TaskSamples } from './storeParts.ts';

/** Real samples of each task that parity is checked on. */
const paritySamples = 64;

interface Outcome {
  readonly zipped: Zipped;
  readonly serving: ServingGraphs;
  /** The networks as they were, with samples as the bundle reads them. */
  readonly served: readonly TaskSamples[];
  readonly stored: Stored | undefined;
}

/** What was merged as a bundle, checked against the trained network. @throws {Error} when parity is not met */
export function exportMerge(
  { name, createdAt, preprocessing, sources, recipe, before }: MergeOptions,
  { zipped, serving, served, stored }: Outcome,
  report: Report,
): Promise<Bundle> {
  const { network, sharing, retrainingSteps } = zipped;
  const { trunk, heads } = serving;
  const told = new Map(report.tasks.map((one) => [one.task, one]));
  return exportBundle(
    {
      ...{ name, createdAt, preprocessing, trunk, recipe, report, stored: stored?.parts },
      heads: heads.map(({ task, graph }) => ({
        ...{ task, graph },
        labels: told.get(task)?.labels ?? [],
        accuracy: told.get(task)?.accuracy ?? null,
      })),
      lineage: {
        models: sources.map(({ task, model }) => ({ task, name: model.name, sha256: model.sha256 })),
        retrainingSteps: (before?.retrainingSteps ?? 0) + retrainingSteps,
      },
      sharing: [...sharing],
    },
    { graph: jointGraph(network), outputs: Object.fromEntries(heads.map(({ task }) => [task, task])) },
    { samples: firstSamples(served) },
  );
}

/** The first samples of each task, one after the other. */
function firstSamples(sources: readonly TaskSamples[]): Tensor<'float32'> {
  const parts = sources.map(({ train, validation }) => {
    const data = validation ?? train;
    const count = Math.min(paritySamples, data.size);
    return { count, values: data.inputs(Uint32Array.from({ length: count }, (_, index) => index)) };
  });
  const data = new Float32Array(parts.reduce((total, { values }) => total + values.length, 0));
  let offset = 0;
  for (const { values } of parts) {
    data.set(values, offset);
    offset += values.length;
  }
  const count = parts.reduce((total, part) => total + part.count, 0);
  return { dtype: 'float32', dims: [count, ...(sources[0]?.train.sampleDims ?? [])], data };
}
