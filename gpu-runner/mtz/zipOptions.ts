import type { Pieces } from '../engine/pieces.ts';
import type { Provider } from '../engine/providers.ts';
import type { TrainProgress } from '../engine/train.ts';
import type { Network } from './network.ts';
import type { PlanReport } from './planReport.ts';
import type { FloorEvent } from './zipCheckpoint.ts';

export interface ZipCheckpoint {
  /** What `save` was given, by a zip of the same sources and recipe; or what reads it, so that it is not held all along. */
  readonly from?: Pieces | undefined | (() => Promise<Pieces | undefined>);
  /** Called after every layer and within its retraining. */
  readonly save?: (pieces: Pieces) => void | Promise<void>;
  /** Retraining steps between two calls; default 100. */
  readonly everySteps?: number;
}

export interface ZipOptions {
  readonly provider: Provider;
  /** What Gram matrices may take at once, those of the layer at hand and those kept for later; default 4 GiB. */
  readonly gramBytes?: number | undefined;
  /** Whether losses are predicted where no budget needs them: measures every layer once more. Default false. */
  readonly predict?: boolean;
  /** Called with what is going to be shared, before anything is. */
  readonly onPlan?: (plan: PlanReport, network: Network) => void;
  readonly onProgress?: (progress: ZipProgress) => void;
  readonly signal?: AbortSignal;
  readonly checkpoint?: ZipCheckpoint;
}

/** Milliseconds that sharing a layer took, by what was done. */
export interface ShareTime {
  readonly measureMs: number;
  readonly pairMs: number;
  readonly mergeMs: number;
  readonly refitMs: number;
}

/** What is being done. */
export type ZipEvent =
  | {
      readonly stage: 'measure';
      readonly task: string;
      /** That are measured, of those that the recipe asks for and the task has: fewer where no more fit into memory. */
      readonly samples: number;
      readonly of: number;
    }
  | {
      readonly stage: 'share';
      readonly channels: number;
      readonly cost: number;
      readonly took: ShareTime;
    }
  | ({ readonly stage: 'retrain' } & TrainProgress)
  | { readonly stage: 'validate'; readonly accuracy: Readonly<Record<string, number>> }
  | ({ readonly stage: 'floor' } & Omit<FloorEvent, 'layer'>);

/** What is being done, and to which layer. */
export type ZipProgress = ZipEvent & {
  readonly layer: string;
  readonly layerIndex: number;
  /** All layers with weights, the last ones among them. */
  readonly hiddenLayers: number;
};
