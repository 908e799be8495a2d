import type { SharingRecord } from '../../shared/manifest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import { isLabelled } from '../engine/dataset.ts';
import type { TrainProgress } from '../engine/train.ts';
import type { Validation } from '../engine/validation.ts';
import { accuracyOf } from './evaluate.ts';
import { brokenFloors, type AccuracyFloors } from './floors.ts';
import { formBlocks } from './formBlocks.ts';
import { Measurements, measureTasks, type MeasureContext, type Taken } from './measurements.ts';
import { isMergeable, mergeStep } from './mergeStep.ts';
import type { Network, WeightedStep } from './network.ts';
import { pairGroup, producersOf, type Pairing } from './pairing.ts';
import type { Plan } from './plan.ts';
import { retrain, type Retrained } from './retrain.ts';
import { rollBack, surplus, withoutGiven } from './rollBack.ts';
import { sharingRecord } from './sharing.ts';
import type { Source } from './source.ts';
import { layersReading } from './refit.ts';
import { Refitter } from './refitter.ts';
import type { StepGram } from './stepGrams.ts';
import { formAll, groupsInOrder, isFormed, isShared, layersOf, pairAll, shareable } from './survey.ts';
import { unformBlocks } from './unformBlocks.ts';
import { taskGraph } from './wiring.ts';
import type { ShareTime, ZipEvent, ZipOptions } from './zipOptions.ts';
import { stagesOf, type ZipStage } from './zipStages.ts';
import {
  encodeZipState,
  type EarlyStop,
  type FloorEvent,
  type RetrainingLook,
  type RetrainingLoss,
  type StageAccuracy,
  type ZipState,
} from './zipCheckpoint.ts';

/** Retraining steps between two checkpoints. */
const defaultEverySteps = 100;
/** Steps between two losses that are kept for the report. */
const lossEverySteps = 10;

/** A network after its retraining, and what was measured of it. */
interface Tried {
  readonly network: Network;
  readonly accuracy?: Readonly<Record<string, number>> | undefined;
  /** The floors that do not hold, by task. */
  readonly broken: Readonly<Record<string, number>>;
}

/** What zipping layer after layer came to. */
export interface ZipRun {
  readonly network: Network;
  /** What is planned where floors gave something up. */
  readonly heldPlan: Plan;
  /** One a group that shares channels. */
  readonly sharing: readonly SharingRecord[];
  /** Those that a floor undid included. */
  readonly retrainingSteps: number;
  /** What floors changed of the plan. */
  readonly floorEvents: readonly FloorEvent[];
  /** After each layer, where there are validation samples. */
  readonly accuracies: readonly StageAccuracy[];
  readonly losses: readonly RetrainingLoss[];
  /** What early stopping saw, and where it ended a layer's retraining. */
  readonly looks: readonly RetrainingLook[];
  readonly earlyStops: readonly EarlyStop[];
}

const isBroken = ({ broken }: Tried): boolean => Object.keys(broken).length > 0;

const total = (times: ShareTime): number =>
  Object.values<number>({ ...times }).reduce((sum, ms) => sum + ms, 0);

/** Zips layer after layer, and can be stopped between any two steps of it. */
export class Zipper {
  private state: ZipState;
  private readonly untouched: Network;
  private readonly sources: readonly Source[];
  private readonly recipe: Recipe;
  private readonly options: ZipOptions;
  private readonly identity: string;
  private readonly context: MeasureContext;
  private readonly refitter: Refitter;
  private readonly stages: readonly ZipStage[];
  /** The last stage of the plan as it was made: floors may give up what it shares. */
  private readonly end: ZipStage | undefined;
  private readonly floors: AccuracyFloors;

  constructor(
    network: Network,
    { plan, floors }: { readonly plan: Plan; readonly floors: AccuracyFloors },
    sources: readonly Source[],
    recipe: Recipe,
    options: ZipOptions,
    identity: string,
    from?: ZipState,
  ) {
    this.untouched = network;
    this.floors = floors;
    this.sources = sources;
    this.recipe = recipe;
    this.options = options;
    this.identity = identity;
    this.context = { ...options, sources, recipe };
    this.refitter = new Refitter(network, recipe, this.context);
    this.stages = stagesOf(network);
    const planned = new Map(plan);
    this.end = this.stages.findLast(({ group }) => (planned.get(group) ?? 0) > 0);
    this.state = from ?? {
      ...{ stage: 0, attempt: 0, plan: [...plan], hints: null, costs: [], channelCosts: [] },
      ...{ retrainingSteps: 0, events: [], accuracies: [], losses: [], looks: [], earlyStops: [] },
      ...{ network, retraining: null },
    };
  }

  async run(): Promise<ZipRun> {
    if (!this.state.hints) this.state = { ...this.state, hints: [...(await this.pairUntouched())] };
    for (let stage = this.stages[this.state.stage]; stage; stage = this.stages[this.state.stage]) {
      this.options.signal?.throwIfAborted();
      await this.advance(stage);
      await this.save();
    }
    const { network, plan, costs, retrainingSteps, events, accuracies, losses, looks, earlyStops } =
      this.state;
    // What a group lost before a task was added is not lost again.
    const lost = new Map(costs);
    const sharing = [...groupsInOrder(network)]
      .filter((group) => isShared(network, group))
      .map((group) => sharingRecord(network, group, lost.get(group) ?? 0));
    const heldPlan = new Map(plan);
    return {
      ...{ network, heldPlan, sharing, retrainingSteps, floorEvents: events },
      ...{ accuracies, losses, looks, earlyStops },
    };
  }

  /** Does one stage, or undoes it and plans less of it. */
  private async advance(stage: ZipStage): Promise<void> {
    const report = this.reporter(stage);
    if (!this.isPlanned(stage.group)) return this.pass(stage, report);
    const shared = this.state.retraining ?? (await this.share(stage, report));
    const { stepsPerLayer, finalSteps } = this.recipe.retraining;
    const steps = stepsPerLayer + (stage === this.lastPlanned() ? finalSteps : 0);
    const tried = await this.retrainAndJudge(stage, shared, steps, report);
    if (isBroken(tried)) {
      this.giveUp(stage, stage.group, tried, report);
      return;
    }
    const costs = new Map(this.state.costs);
    costs.set(stage.group, (costs.get(stage.group) ?? 0) + shared.cost);
    this.state = { ...this.state, costs: [...costs] };
    this.keep(stage, tried);
  }

  /**
   * Goes past a stage of which nothing is shared, or nothing any more: its layer is fitted, and where floors gave up all that
   * the last stage shared, the layers from there on are and the final steps taken all the same. Where a floor does not hold
   * after that the network stays as it was. Where it did not hold either, because channels that are shared read some that
   * were given up, those shared last are given up as well.
   */
  private async pass(stage: ZipStage, report: (event: ZipEvent) => void): Promise<void> {
    const { retraining } = this.state;
    const before = this.standing();
    const holds = before === this.state.network;
    const isEnd = stage === this.end && this.lastPlanned() !== undefined;
    const { stepsPerLayer, finalSteps } = this.recipe.retraining;
    const steps = (holds ? 0 : stepsPerLayer) + (isEnd ? finalSteps : 0);
    const network = retraining?.network ?? (await this.refitUnplanned(stage, before, isEnd));
    const isJudged = Object.keys(this.floors).length > 0 && !(holds && network === before);
    if (steps === 0 && !isJudged) {
      this.keep(stage, { network });
      return;
    }
    const tried = await this.retrainAndJudge(stage, { network, cost: 0 }, steps, report);
    const best = isBroken(tried) && !holds ? await this.judge(before, report) : tried;
    if (!isBroken(best)) this.keep(stage, best);
    else if (holds) this.keep(stage, { network: before });
    else {
      const shared = this.stages.findLast(({ group }) => isFormed(before, group));
      this.giveUp(stage, shared?.group ?? stage.group, tried, report);
    }
  }

  private async retrainAndJudge(
    stage: ZipStage,
    shared: { readonly network: Network; readonly cost: number },
    steps: number,
    report: (event: ZipEvent) => void,
  ): Promise<Tried> {
    const { network, steps: taken } = await this.retrain(stage, shared, steps, report);
    this.state = { ...this.state, retrainingSteps: this.state.retrainingSteps + taken };
    return this.judge(network, report);
  }

  private async judge(network: Network, report: (event: ZipEvent) => void): Promise<Tried> {
    const accuracy = await this.validate(network);
    if (accuracy) report({ stage: 'validate', accuracy });
    return { network, accuracy, broken: brokenFloors(accuracy ?? {}, this.floors) };
  }

  /** Goes on to the next stage. */
  private keep(stage: ZipStage, { network, accuracy }: Pick<Tried, 'network' | 'accuracy'>): void {
    const { plan, channelCosts, retrainingSteps, accuracies } = this.state;
    const given = surplus(this.state.network, new Map(plan), new Map(channelCosts));
    const measured = accuracy ? [{ layer: stage.layer.name, retrainingSteps, accuracy }] : [];
    this.state = {
      ...this.state,
      ...{ stage: this.state.stage + 1, attempt: 0, network, retraining: null },
      channelCosts: withoutGiven(channelCosts, given),
      accuracies: [...accuracies, ...measured],
    };
  }

  /** Pairs of all groups on the untouched networks: needed where several layers put one group out. */
  private async pairUntouched(): Promise<ReadonlyMap<number, Pairing>> {
    const { network } = this.state;
    const planned = new Map(this.state.plan);
    if (![...planned.keys()].some((group) => layersOf(network, group).length > 1)) return new Map();
    return pairAll(network, new Measurements(network, this.context), this.recipe, (group) =>
      planned.has(group) ? shareable(network, group) : 0,
    );
  }

  /** Shares the channels that a stage's layer puts out, and gives them one set of weights. */
  private async share(
    stage: ZipStage,
    report: (event: ZipEvent) => void,
  ): Promise<{ network: Network; cost: number }> {
    const { layer, group, steps } = stage;
    let network = this.standing();
    const took = { measureMs: 0, pairMs: 0, mergeMs: 0, refitMs: 0 };
    const timed = async <T>(what: keyof ShareTime, work: () => Promise<T>): Promise<T> => {
      const [started, others] = [performance.now(), total(took)];
      const result = await work();
      // Less what was timed by itself within.
      took[what] += performance.now() - started - (total(took) - others);
      return result;
    };
    const onTask = (task: string, taken: Taken): void => report({ stage: 'measure', task, ...taken });
    const measure = (step: WeightedStep): Promise<StepGram[]> =>
      timed('measureMs', () => measureTasks(network, step, this.context, onTask));
    const refit = async (step: WeightedStep, grams?: readonly StepGram[]): Promise<void> => {
      network = await timed('refitMs', () => this.refitter.fit(network, step, grams));
    };
    const count = this.countOf(group);
    // What the channels are paired by: of the network as it is now, also where it is measured after the refit.
    let before: Measurements | undefined;
    if (!isFormed(network, group)) {
      const measured = new Measurements(network, this.context, onTask);
      before = measured;
      const ofBefore = (step: WeightedStep) => timed('measureMs', () => measured.of(step));
      const grams = new Map(
        producersOf(network, group).map((step) => [step.name, () => ofBefore(step)] as const),
      );
      await refit(layer, await ofBefore(layer));
      const others = formAll(network, this.hintsFor(group));
      const { matching, seed } = this.recipe;
      await timed('pairMs', async () => {
        const pairing = await pairGroup(others, group, { count, matching, seed, grams });
        for (const forming of pairing.formings) network = formBlocks(network, forming);
        const channelCosts = new Map(this.state.channelCosts).set(group, pairing.costs);
        this.state = { ...this.state, channelCosts: [...channelCosts] };
      });
    }
    let cost = 0;
    for (const step of steps) {
      // What a later step reads changes when the steps before it are merged.
      const known = step === layer ? before : undefined;
      before = undefined;
      if (!isMergeable(network, step) && !this.refitter.fits(network, step)) continue;
      const grams = await (known ? timed('measureMs', () => known.of(step)) : measure(step));
      if (!known) await refit(step, grams);
      const merged = await timed('mergeMs', () => mergeStep(network, step, grams));
      network = merged.network;
      cost += merged.cost;
    }
    for (const step of this.refittedAtOnce(stage)) await refit(step);
    report({ stage: 'share', channels: count, cost, took });
    return { network, cost };
  }

  /**
   * What is fitted as soon as a stage is shared: the others are when it is their turn. All that follows the last stage that
   * is planned; and where retraining or a floor looks at the network after every stage, what reads this one.
   */
  private refittedAtOnce(stage: ZipStage): readonly WeightedStep[] {
    if (stage === this.lastPlanned()) return this.stages.slice(stage.index + 1).flatMap(({ steps }) => steps);
    const { retraining, floors } = this.recipe;
    const looks = retraining.stepsPerLayer > 0 || floors !== undefined;
    return looks ? layersReading(this.untouched.topology, stage.layer.output) : [];
  }

  /**
   * Fits a stage of which nothing is shared on what reaches it now; what follows the last stage that is planned is already.
   *
   * @param isEnd whether the last stage is none any more: all that follows is fitted
   */
  private async refitUnplanned(
    { index, steps }: ZipStage,
    network: Network,
    isEnd: boolean,
  ): Promise<Network> {
    const last = this.lastPlanned()?.index ?? 0;
    const rest = isEnd ? this.stages.slice(index).flatMap((each) => each.steps) : index < last ? steps : [];
    let fitted = network;
    for (const step of rest) fitted = await this.refitter.fit(fitted, step);
    return fitted;
  }

  private lastPlanned(): ZipStage | undefined {
    return this.stages.findLast(({ group }) => this.isPlanned(group));
  }

  /** The pairs of the other groups that are planned and not formed. */
  private hintsFor(group: number): ReadonlyMap<number, Pairing> {
    return new Map((this.state.hints ?? []).filter(([other]) => other !== group && this.isPlanned(other)));
  }

  private isPlanned(group: number): boolean {
    return this.countOf(group) > 0;
  }

  private countOf(group: number): number {
    return new Map(this.state.plan).get(group) ?? 0;
  }

  private async retrain(
    stage: ZipStage,
    { network, cost }: { network: Network; cost: number },
    steps: number,
    report: (event: ZipEvent) => void,
  ): Promise<Retrained> {
    const { retraining, seed } = this.recipe;
    const { provider, signal, checkpoint } = this.options;
    const base = this.state.retrainingSteps;
    const retrained = await retrain(
      network,
      this.sources.map(({ task, train, validation, graph }) => ({
        ...{ task, data: train, validation, original: graph },
      })),
      {
        ...{ retraining, steps, provider, signal },
        // Each attempt at a stage sees other batches.
        seed: seed + stage.index + this.state.attempt * this.stages.length,
        onProgress: (progress) => {
          this.note(stage, base, progress);
          report({ stage: 'retrain', ...progress });
        },
        onLook: (look) => this.noteLook(stage, base, look),
        ...(checkpoint?.save && {
          checkpoint: {
            from: this.state.retraining?.state,
            everySteps: checkpoint.everySteps ?? defaultEverySteps,
            save: async (state) => {
              this.state = { ...this.state, retraining: { network, cost, state } };
              await this.save();
            },
          },
        }),
      },
    );
    this.noteStop(stage, base, steps, retrained);
    return retrained;
  }

  /** The first loss of a layer's retraining, the last, and some between them. */
  private note({ layer }: ZipStage, base: number, { step, losses, isLast }: TrainProgress): void {
    if (step !== 1 && step % lossEverySteps !== 0 && !isLast) return;
    const kept = this.state.losses.filter((loss) => loss.step < base + step);
    const loss = { layer: layer.name, step: base + step, losses: this.byTask(losses) };
    this.state = { ...this.state, losses: [...kept, loss] };
  }

  private noteLook({ layer }: ZipStage, base: number, { step, scores }: Validation): void {
    const { earlyStopping } = this.recipe.retraining;
    if (!earlyStopping) return;
    const look = { layer: layer.name, step: base + step, scores: this.byTask(scores) };
    this.state = {
      ...this.state,
      looks: [...this.state.looks, { ...look, metric: earlyStopping.metric }],
    };
  }

  private noteStop({ layer }: ZipStage, base: number, planned: number, { steps, early }: Retrained): void {
    const { earlyStopping } = this.recipe.retraining;
    if (!early || !earlyStopping) return;
    const stop: EarlyStop = {
      ...{ layer: layer.name, retrainingSteps: base + steps, taken: steps, planned },
      ...{ kept: early.step, score: early.score, metric: earlyStopping.metric },
    };
    this.state = { ...this.state, earlyStops: [...this.state.earlyStops, stop] };
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

  private async validate(network: Network): Promise<Record<string, number> | undefined> {
    const { provider, signal } = this.options;
    const accuracy: Record<string, number> = {};
    for (const { task, validation } of this.sources) {
      if (!validation || !isLabelled(validation)) continue;
      accuracy[task] = await accuracyOf(taskGraph(network, task), validation, {
        provider,
        ...(signal && { signal }),
      });
    }
    return Object.keys(accuracy).length > 0 ? accuracy : undefined;
  }

  /**
   * Goes back to where the stage began, to plan half as many channels of a group or fewer: see {@link rollBack}. Where
   * nothing is shared any more, the networks are as they were. Where some tasks shared channels before, what is given up
   * cannot be told apart from those: the zip begins anew with the smaller plan.
   */
  private giveUp(
    { layer }: ZipStage,
    group: number,
    { accuracy = {}, broken: floors }: Tried,
    report: (event: ZipEvent) => void,
  ): void {
    const { network, retrainingSteps, attempt, events } = this.state;
    const { plan, from, to, orphans } = rollBack(network, new Map(this.state.plan), group);
    const nameOf = (of: number): string => network.topology.groups[of]?.name ?? String(of);
    const event = {
      ...{ group: nameOf(group), from, to, accuracy, floors, retrainingSteps },
      orphans: orphans.map((orphan) => ({ group: nameOf(orphan.group), from: orphan.from })),
    };
    report({ stage: 'floor', ...event });
    this.state = {
      ...this.state,
      ...{ plan: [...plan], retraining: null, attempt: attempt + 1 },
      events: [...events, { layer: layer.name, ...event }],
    };
    if (this.standing() === network) return;
    const isAnew = this.untouched.settled > 1;
    if (!isAnew && [...plan.keys()].some((each) => isFormed(network, each))) return;
    this.state = { ...this.state, network: this.untouched, costs: [], channelCosts: [] };
    if (isAnew) this.state = { ...this.state, stage: 0, attempt: 0 };
  }

  /** The network as the stage at hand began, without what floors gave up of it since. */
  private standing(): Network {
    const { network, plan, channelCosts } = this.state;
    return unformBlocks(network, surplus(network, new Map(plan), new Map(channelCosts)));
  }

  private reporter({ layer, index }: ZipStage): (event: ZipEvent) => void {
    return (event) =>
      this.options.onProgress?.({
        layer: layer.name,
        layerIndex: index,
        hiddenLayers: this.stages.length,
        ...event,
      });
  }

  private async save(): Promise<void> {
    const { checkpoint } = this.options;
    if (checkpoint?.save) await checkpoint.save(await encodeZipState(this.state, this.identity));
  }
}
