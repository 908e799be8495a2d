import type { SharingRecord } from '../../shared/manifest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import type { AccuracyFloors } from './floors.ts';
import { isBroken, Judge, type Tried } from './judge.ts';
import type { Network } from './network.ts';
import type { Pairing } from './pairing.ts';
import type { Plan } from './plan.ts';
import { rollBack, surplus, withoutGiven } from './rollBack.ts';
import { sharingRecord } from './sharing.ts';
import type { Source } from './source.ts';
import { StageRetrainer, type RetrainingNotes } from './stageRetrainer.ts';
import { StageSharer } from './stageSharer.ts';
import { groupsInOrder, isFormed, isLacking, isShared } from './survey.ts';
import { unformBlocks } from './unformBlocks.ts';
import { encodeZipState, type FloorEvent, type StageAccuracy, type ZipState } from './zipCheckpoint.ts';
import type { ZipEvent, ZipOptions } from './zipOptions.ts';
import { lastPlanned, stagesOf, type ZipStage } from './zipStages.ts';

/** What zipping layer after layer came to. */
export interface ZipRun extends RetrainingNotes {
  readonly network: Network;
  /** What is planned where floors gave something up. */
  readonly heldPlan: Plan;
  /** One a group that shares channels, or of which a task has none. */
  readonly sharing: readonly SharingRecord[];
  /** Those that a floor undid included. */
  readonly retrainingSteps: number;
  /** What floors changed of the plan. */
  readonly floorEvents: readonly FloorEvent[];
  /** After each layer, where there are validation samples. */
  readonly accuracies: readonly StageAccuracy[];
}

/** Zips layer after layer, and can be stopped between any two steps of it. */
export class Zipper {
  private state: ZipState;
  private readonly untouched: Network;
  private readonly recipe: Recipe;
  private readonly options: ZipOptions;
  private readonly identity: string;
  private readonly stages: readonly ZipStage[];
  /** The last stage of the plan as it was made: floors may give up what it shares. */
  private readonly end: ZipStage | undefined;
  private readonly sharer: StageSharer;
  private readonly retrainer: StageRetrainer;
  private readonly judge: Judge;

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
    this.recipe = recipe;
    this.options = options;
    this.identity = identity;
    this.stages = stagesOf(network);
    this.end = lastPlanned(this.stages, plan);
    this.sharer = new StageSharer(network, recipe, { ...options, sources, recipe }, this.stages);
    this.retrainer = new StageRetrainer(sources, recipe, options);
    this.judge = new Judge(sources, floors, options);
    this.state = from ?? {
      ...{ stage: 0, attempt: 0, plan: [...plan], hints: null, costs: [], channelCosts: [] },
      ...{ retrainingSteps: 0, events: [], accuracies: [], losses: [], looks: [], earlyStops: [] },
      ...{ network, retraining: null },
    };
  }

  async run(): Promise<ZipRun> {
    if (!this.state.hints) {
      const hints = await this.sharer.pairUntouched(this.state.network, this.plan);
      this.state = { ...this.state, hints: [...hints] };
    }
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
      .filter((group) => isShared(network, group) || isLacking(network, group))
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
    const network =
      retraining?.network ?? (await this.sharer.refitUnplanned(stage, before, this.plan, isEnd));
    const isJudged = this.judge.hasFloors && !(holds && network === before);
    if (steps === 0 && !isJudged) {
      this.keep(stage, { network });
      return;
    }
    const tried = await this.retrainAndJudge(stage, { network, cost: 0 }, steps, report);
    const best = isBroken(tried) && !holds ? await this.judge.of(before, report) : tried;
    if (!isBroken(best)) this.keep(stage, best);
    else if (holds) this.keep(stage, { network: before });
    else {
      const shared = this.stages.findLast(({ group }) => isFormed(before, group));
      this.giveUp(stage, shared?.group ?? stage.group, tried, report);
    }
  }

  private async retrainAndJudge(
    stage: ZipStage,
    { network, cost }: { readonly network: Network; readonly cost: number },
    steps: number,
    report: (event: ZipEvent) => void,
  ): Promise<Tried> {
    const { retrainingSteps, attempt, retraining } = this.state;
    const retrained = await this.retrainer.retrain(
      {
        ...{ layer: stage.layer.name, network, steps, taken: retrainingSteps, from: retraining?.state },
        // Each attempt at a stage sees other batches.
        seed: this.recipe.seed + stage.index + attempt * this.stages.length,
      },
      {
        note: (change) => {
          this.state = { ...this.state, ...change(this.state) };
        },
        save: async (state) => {
          this.state = { ...this.state, retraining: { network, cost, state } };
          await this.save();
        },
        report,
      },
    );
    this.state = { ...this.state, retrainingSteps: retrainingSteps + retrained.steps };
    return this.judge.of(retrained.network, report);
  }

  /** Goes on to the next stage. */
  private keep(stage: ZipStage, { network, accuracy }: Pick<Tried, 'network' | 'accuracy'>): void {
    const { channelCosts, retrainingSteps, accuracies } = this.state;
    const given = surplus(this.state.network, this.plan, new Map(channelCosts));
    const measured = accuracy ? [{ layer: stage.layer.name, retrainingSteps, accuracy }] : [];
    this.state = {
      ...this.state,
      ...{ stage: this.state.stage + 1, attempt: 0, network, retraining: null },
      channelCosts: withoutGiven(channelCosts, given),
      accuracies: [...accuracies, ...measured],
    };
  }

  /** Shares the channels that a stage's layer puts out. */
  private async share(
    stage: ZipStage,
    report: (event: ZipEvent) => void,
  ): Promise<{ network: Network; cost: number }> {
    const hints = this.hintsFor(stage.group);
    const shared = await this.sharer.share(stage, this.standing(), this.plan, hints, report);
    if (shared.channelCosts) {
      const channelCosts = new Map(this.state.channelCosts).set(stage.group, shared.channelCosts);
      this.state = { ...this.state, channelCosts: [...channelCosts] };
    }
    return shared;
  }

  private get plan(): Plan {
    return new Map(this.state.plan);
  }

  private lastPlanned(): ZipStage | undefined {
    return lastPlanned(this.stages, this.plan);
  }

  /** The pairs of the other groups that are planned and not formed. */
  private hintsFor(group: number): ReadonlyMap<number, Pairing> {
    return new Map((this.state.hints ?? []).filter(([other]) => other !== group && this.isPlanned(other)));
  }

  private isPlanned(group: number): boolean {
    return (this.plan.get(group) ?? 0) > 0;
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
    const { plan, from, to, orphans } = rollBack(network, this.plan, group);
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
    const { network, channelCosts } = this.state;
    return unformBlocks(network, surplus(network, this.plan, new Map(channelCosts)));
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
