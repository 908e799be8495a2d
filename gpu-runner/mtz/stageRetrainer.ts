import type { Recipe } from '../../shared/recipe.ts';
import type { Pieces } from '../engine/pieces.ts';
import type { TrainProgress } from '../engine/train.ts';
import type { Validation } from '../engine/validation.ts';
import type { Network } from './network.ts';
import { retrain, type Retrained } from './retrain.ts';
import type { Source } from './source.ts';
import type { EarlyStop, RetrainingLook, RetrainingLoss } from './zipCheckpoint.ts';
import type { ZipEvent, ZipOptions } from './zipOptions.ts';

/** Retraining steps between two checkpoints. */
const defaultEverySteps = 100;
/** Steps between two losses that are kept for the report. */
const lossEverySteps = 10;

/** What retraining tells of itself, of all stages. */
export interface RetrainingNotes {
  readonly losses: readonly RetrainingLoss[];
  /** What early stopping saw, and where it ended a layer's retraining. */
  readonly looks: readonly RetrainingLook[];
  readonly earlyStops: readonly EarlyStop[];
}

/** One retraining after a stage, or the rest of it. */
export interface StageRetraining {
  /** Of what was just shared, by the name that notes have. */
  readonly layer: string;
  readonly network: Network;
  readonly steps: number;
  /** Steps of the stages before it. */
  readonly taken: number;
  /** Of its batches. */
  readonly seed: number;
  /** Where it goes on. */
  readonly from: Pieces | undefined;
}

/** Who keeps what becomes of a retraining. */
export interface Keeper {
  /** Told before the steps that it is about are saved. */
  readonly note: (change: (notes: RetrainingNotes) => RetrainingNotes) => void;
  readonly save: (state: Pieces) => Promise<void>;
  readonly report: (event: ZipEvent) => void;
}

/** Retrains a network between two stages, on all tasks, and notes how that goes. */
export class StageRetrainer {
  private readonly sources: readonly Source[];
  private readonly recipe: Pick<Recipe, 'retraining'>;
  private readonly options: ZipOptions;

  constructor(sources: readonly Source[], recipe: Pick<Recipe, 'retraining'>, options: ZipOptions) {
    this.sources = sources;
    this.recipe = recipe;
    this.options = options;
  }

  async retrain(run: StageRetraining, { note, save, report }: Keeper): Promise<Retrained> {
    const { retraining } = this.recipe;
    const { provider, signal, checkpoint } = this.options;
    const { network, steps, seed, from } = run;
    const retrained = await retrain(
      network,
      this.sources.map(({ task, train, validation, graph }) => ({
        ...{ task, data: train, validation, original: graph },
      })),
      {
        ...{ retraining, steps, seed, provider, signal },
        onProgress: (progress) => {
          note((notes) => this.withLoss(notes, run, progress));
          report({ stage: 'retrain', ...progress });
        },
        onLook: (look) => note((notes) => this.withLook(notes, run, look)),
        ...(checkpoint?.save && {
          checkpoint: { from, everySteps: checkpoint.everySteps ?? defaultEverySteps, save },
        }),
      },
    );
    note((notes) => this.withStop(notes, run, retrained));
    return retrained;
  }

  /** The first loss of a layer's retraining, the last, and some between them. */
  private withLoss(
    notes: RetrainingNotes,
    { layer, taken }: StageRetraining,
    { step, losses, isLast }: TrainProgress,
  ): RetrainingNotes {
    if (step !== 1 && step % lossEverySteps !== 0 && !isLast) return notes;
    const kept = notes.losses.filter((loss) => loss.step < taken + step);
    return { ...notes, losses: [...kept, { layer, step: taken + step, losses: this.byTask(losses) }] };
  }

  private withLook(
    notes: RetrainingNotes,
    { layer, taken }: StageRetraining,
    { step, scores }: Validation,
  ): RetrainingNotes {
    const { earlyStopping } = this.recipe.retraining;
    if (!earlyStopping) return notes;
    const look = { layer, step: taken + step, scores: this.byTask(scores) };
    return { ...notes, looks: [...notes.looks, { ...look, metric: earlyStopping.metric }] };
  }

  private withStop(
    notes: RetrainingNotes,
    { layer, taken, steps: planned }: StageRetraining,
    { steps, early }: Retrained,
  ): RetrainingNotes {
    const { earlyStopping } = this.recipe.retraining;
    if (!early || !earlyStopping) return notes;
    const stop: EarlyStop = {
      ...{ layer, retrainingSteps: taken + steps, taken: steps, planned },
      ...{ kept: early.step, score: early.score, metric: earlyStopping.metric },
    };
    return { ...notes, earlyStops: [...notes.earlyStops, stop] };
  }

  /** Of the tasks that have one: without labels there is no accuracy. */
  private byTask(values: readonly (number | undefined)[]): Record<string, number> {
    return Object.fromEntries(
      this.sources.flatMap(({ task }, index) => {
        const value = values[index];
        return value === undefined ? [] : [[task, value]];
      }),
    );
  }
}
