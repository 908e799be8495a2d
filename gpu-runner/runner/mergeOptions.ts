import type { Progress } from '../../shared/jobs.ts';
import type { Manifest } from '../../shared/manifest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import type { Report } from '../../shared/report.ts';
import type { Bundle } from '../bundle/bundle.ts';
import type { Problem } from '../data/samples.ts';
import type { Dataset } from '../engine/dataset.ts';
import type { Pieces } from '../engine/pieces.ts';
import type { Provider } from '../engine/providers.ts';
import type { InputScale } from '../mtz/inputScale.ts';
import type { ZipOptions } from '../mtz/zip.ts';
import type { Graph } from '../onnx/graph.ts';
import type { MergedBefore } from './mergedBefore.ts';

/** A trained network, the samples of its task, and where it comes from. */
export interface MergeSource {
  readonly task: string;
  readonly graph: Graph;
  /** Of its classes, or none. */
  readonly labels: readonly string[];
  readonly train: Dataset;
  /** Where the samples are made for other networks than this: what it reads in their place. */
  readonly inputScale?: InputScale | undefined;
  /** Held out: what the accuracies are measured on, and some of it parity. */
  readonly validation: Dataset | null;
  readonly model: { readonly name: string; readonly sha256: string; readonly sizeBytes: number };
  /** What of its data could not be read, and why. */
  readonly leftOut?: readonly Problem[] | undefined;
}

/** Where a merge that was interrupted goes on. The bytes mean something to `mergeModels` only. */
export interface MergeCheckpoint {
  /** What was saved last, or undefined at the beginning. */
  load(): Promise<Pieces | undefined>;
  save(pieces: Pieces): Promise<void>;
}

export type MergeProgress = Omit<Progress, 'at'>;

export interface MergeOptions {
  /** The bundle's. */
  readonly name: string;
  /** Part of the bundle, thus of its id: the same merge again is the same bundle when this is the same. */
  readonly createdAt: Date;
  readonly preprocessing: Manifest['preprocessing'];
  readonly sources: readonly MergeSource[];
  /** A bundle that the last of the sources is added to. The others are what it was merged from, in its order. */
  readonly before?: MergedBefore | undefined;
  readonly recipe: Recipe;
  /** What is known of networks and data before they are merged, in sentences for the report. */
  readonly notes?: readonly string[] | undefined;
  readonly provider: Provider;
  /** Most bytes of Gram matrices at once; default 4 GiB. */
  readonly gramBytes?: number | undefined;
  readonly checkpoint?: MergeCheckpoint | undefined;
  readonly onProgress?: ((progress: MergeProgress) => void) | undefined;
  /** Called with what is going to be shared, before anything is. */
  readonly onPlan?: ZipOptions['onPlan'];
  readonly signal?: AbortSignal | undefined;
}

export interface Merged {
  /** Holds the report as far as it is the same each time. */
  readonly bundle: Bundle;
  readonly report: Report;
}

export type MergeModels = (options: MergeOptions) => Promise<Merged>;
