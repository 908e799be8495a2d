import type { Recipe } from '../../shared/recipe.ts';
import { formBlocks } from './formBlocks.ts';
import { Measurements, measureTasks, type MeasureContext, type Taken } from './measurements.ts';
import { isMergeable, mergeStep } from './mergeStep.ts';
import type { Network, WeightedStep } from './network.ts';
import { pairGroup, producersOf } from './pairing.ts';
import type { Plan } from './plan.ts';
import { layersReading } from './refit.ts';
import { Refitter } from './refitter.ts';
import type { StepGram } from './stepGrams.ts';
import { formAll, isFormed, layersOf, pairAll, shareable, type Pairings } from './survey.ts';
import type { ShareTime, ZipEvent } from './zipOptions.ts';
import { lastPlanned, type ZipStage } from './zipStages.ts';

/** A network with the channels of one more stage shared. */
export interface SharedStage {
  readonly network: Network;
  /** Predicted second-order loss of giving them one set of weights. */
  readonly cost: number;
  /** Of each channel, where the stage's group was formed now. */
  readonly channelCosts: readonly number[] | null;
}

const total = (times: ShareTime): number =>
  Object.values<number>({ ...times }).reduce((sum, ms) => sum + ms, 0);

/** Shares what stages put out as a plan says, and fits what the plan leaves to every task. */
export class StageSharer {
  private readonly untouched: Network;
  private readonly recipe: Recipe;
  private readonly context: MeasureContext;
  private readonly stages: readonly ZipStage[];
  private readonly refitter: Refitter;

  /**
   * @param untouched the networks before anything was shared
   * @param stages of them
   */
  constructor(untouched: Network, recipe: Recipe, context: MeasureContext, stages: readonly ZipStage[]) {
    this.untouched = untouched;
    this.recipe = recipe;
    this.context = context;
    this.stages = stages;
    this.refitter = new Refitter(untouched, recipe, context);
  }

  /** Pairs of all groups on the untouched networks: needed where several layers put one group out. */
  async pairUntouched(network: Network, plan: Plan): Promise<Pairings> {
    if (![...plan.keys()].some((group) => layersOf(network, group).length > 1)) return new Map();
    return pairAll(network, new Measurements(network, this.context), this.recipe, (group) =>
      plan.has(group) ? shareable(network, group) : 0,
    );
  }

  /**
   * Shares the channels that a stage's layer puts out, and gives them one set of weights.
   *
   * @param from the network as the stage begins
   * @param hints the pairs of the other groups that are planned, for those that are not formed
   */
  async share(
    stage: ZipStage,
    from: Network,
    plan: Plan,
    hints: Pairings,
    report: (event: ZipEvent) => void,
  ): Promise<SharedStage> {
    const { layer, group, steps } = stage;
    let network = from;
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
    const count = plan.get(group) ?? 0;
    let channelCosts: SharedStage['channelCosts'] = null;
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
      const others = formAll(network, hints);
      const { matching, seed } = this.recipe;
      await timed('pairMs', async () => {
        const { formings, costs } = await pairGroup(others, group, { count, matching, seed, grams });
        for (const forming of formings) network = formBlocks(network, forming);
        channelCosts = costs;
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
    for (const step of this.refittedAtOnce(stage, plan)) await refit(step);
    report({ stage: 'share', channels: count, cost, took });
    return { network, cost, channelCosts };
  }

  /**
   * What is fitted as soon as a stage is shared: the others are when it is their turn. All that follows the last stage that
   * is planned; and where retraining or a floor looks at the network after every stage, what reads this one.
   */
  private refittedAtOnce(stage: ZipStage, plan: Plan): readonly WeightedStep[] {
    if (stage === lastPlanned(this.stages, plan))
      return this.stages.slice(stage.index + 1).flatMap(({ steps }) => steps);
    const { retraining, floors } = this.recipe;
    const looks = retraining.stepsPerLayer > 0 || floors !== undefined;
    return looks ? layersReading(this.untouched.topology, stage.layer.output) : [];
  }

  /**
   * Fits a stage of which nothing is shared on what reaches it now; what follows the last stage that is planned is already.
   *
   * @param isEnd whether the last stage is none any more: all that follows is fitted
   */
  async refitUnplanned(
    { index, steps }: ZipStage,
    network: Network,
    plan: Plan,
    isEnd: boolean,
  ): Promise<Network> {
    const last = lastPlanned(this.stages, plan)?.index ?? 0;
    const rest = isEnd ? this.stages.slice(index).flatMap((each) => each.steps) : index < last ? steps : [];
    let fitted = network;
    for (const step of rest) fitted = await this.refitter.fit(fitted, step);
    return fitted;
  }
}
