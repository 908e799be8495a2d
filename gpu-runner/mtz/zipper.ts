import type { SharingRecord } from '../../shared/manifest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import { isLabelled } from '../engine/dataset.ts';
import type { TrainProgress } from '../engine/train.ts';
import { accuracyOf } from './evaluate.ts';
import { brokenFloors, floorsOf } from './floors.ts';
import { formBlocks } from './formBlocks.ts';
import { Measurements, measureTasks, type MeasureContext } from './measurements.ts';
import { isMergeable, mergeStep } from './mergeStep.ts';
import { blockOf, weightedSteps, type Network, type WeightedStep } from './network.ts';
import { pairGroup, producersOf, type Pairing } from './pairing.ts';
import { wiringProblem, type Plan } from './plan.ts';
import { retrain } from './retrain.ts';
import { sharingRecord } from './sharing.ts';
import type { Source } from './source.ts';
import { layersReading } from './refit.ts';
import { Refitter } from './refitter.ts';
import type { StepGram } from './stepGrams.ts';
import { formAll, groupsInOrder, isFormed, isShared, layersOf, pairAll, shareable } from './survey.ts';
import { allOf } from './taskSet.ts';
import { inputGroup, valueAt, type Layer } from './topology.ts';
import { unformBlocks } from './unformBlocks.ts';
import { taskGraph } from './wiring.ts';
import type { ShareTime, ZipEvent, ZipOptions } from './zipOptions.ts';
import {
  encodeZipState,
  type FloorEvent,
  type RetrainingLoss,
  type StageAccuracy,
  type ZipState,
} from './zipCheckpoint.ts';

/** A layer and the channelwise steps that follow it: what is shared between two retrainings. */
interface ZipStage {
  readonly index: number;
  readonly layer: Layer;
  readonly group: number;
  readonly steps: readonly WeightedStep[];
}

/** Retraining steps between two checkpoints. */
const defaultEverySteps = 100;
/** Steps between two losses that are kept for the report. */
const lossEverySteps = 10;

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
  private floors: Readonly<Record<string, number>> = {};

  constructor(
    network: Network,
    plan: Plan,
    sources: readonly Source[],
    recipe: Recipe,
    options: ZipOptions,
    identity: string,
    from?: ZipState,
  ) {
    this.untouched = network;
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
      ...{ stage: 0, attempt: 0, plan: [...plan], hints: null, costs: [], retrainingSteps: 0 },
      ...{ events: [], accuracies: [], losses: [], network, retraining: null },
    };
  }

  async run(): Promise<{
    network: Network;
    sharing: SharingRecord[];
    retrainingSteps: number;
    floorEvents: readonly FloorEvent[];
    accuracies: readonly StageAccuracy[];
    losses: readonly RetrainingLoss[];
  }> {
    this.floors = await floorsOf(this.sources, this.recipe.floors, this.options);
    if (!this.state.hints) this.state = { ...this.state, hints: [...(await this.pairUntouched())] };
    for (let stage = this.stages[this.state.stage]; stage; stage = this.stages[this.state.stage]) {
      this.options.signal?.throwIfAborted();
      await this.advance(stage);
      await this.save();
    }
    const { network, costs, retrainingSteps, events, accuracies, losses } = this.state;
    // What a group lost before a task was added is not lost again.
    const lost = new Map(costs);
    const sharing = [...groupsInOrder(network)]
      .filter((group) => isShared(network, group))
      .map((group) => sharingRecord(network, group, lost.get(group) ?? 0));
    return { network, sharing, retrainingSteps, floorEvents: events, accuracies, losses };
  }

  /** Does one stage, or undoes it and plans less of it. */
  private async advance(stage: ZipStage): Promise<void> {
    const { plan, retraining, network: before } = this.state;
    const report = this.reporter(stage);
    if (!this.isPlanned(stage.group)) {
      const isEnd = stage === this.end && this.lastPlanned() !== undefined;
      if (isEnd) await this.finish(stage, report);
      else this.state = { ...this.state, network: await this.refitUnplanned(stage, before) };
      this.state = { ...this.state, stage: this.state.stage + 1, attempt: 0, retraining: null };
      return;
    }
    const shared = retraining ?? (await this.share(stage, report));
    const { stepsPerLayer, finalSteps } = this.recipe.retraining;
    const steps = stepsPerLayer + (stage === this.lastPlanned() ? finalSteps : 0);
    const retrained = await this.retrain(stage, shared, steps, report);
    const accuracy = await this.validate(retrained.network);
    if (accuracy) report({ stage: 'validate', accuracy });
    const retrainingSteps = this.state.retrainingSteps + retrained.steps;
    const broken = brokenFloors(accuracy ?? {}, this.floors);
    if (Object.keys(broken).length > 0) {
      const found = { accuracy: accuracy ?? {}, floors: broken, retrainingSteps };
      this.undo(stage, before, shared.network, found, report);
      this.state = { ...this.state, retrainingSteps, retraining: null };
      return;
    }
    const costs = new Map(this.state.costs);
    costs.set(stage.group, (costs.get(stage.group) ?? 0) + shared.cost);
    this.state = {
      ...this.state,
      ...{ stage: this.state.stage + 1, attempt: 0, plan, costs: [...costs], retrainingSteps },
      accuracies: accuracy
        ? [...this.state.accuracies, { layer: stage.layer.name, retrainingSteps, accuracy }]
        : this.state.accuracies,
      ...{ network: retrained.network, retraining: null },
    };
  }

  /**
   * Ends a zip whose floors gave up all that the last stage shared: the layers from there on are fitted and the final steps
   * taken all the same. Where the floors do not hold after them, the network stays as it was.
   */
  private async finish(stage: ZipStage, report: (event: ZipEvent) => void): Promise<void> {
    let network = this.state.retraining?.network;
    if (!network) {
      ({ network } = this.state);
      for (const step of this.stages.slice(stage.index).flatMap(({ steps }) => steps))
        network = await this.refitter.fit(network, step);
    }
    const { finalSteps } = this.recipe.retraining;
    const retrained = await this.retrain(stage, { network, cost: 0 }, finalSteps, report);
    const retrainingSteps = this.state.retrainingSteps + retrained.steps;
    const accuracy = (await this.validate(retrained.network)) ?? {};
    report({ stage: 'validate', accuracy });
    this.state = { ...this.state, retrainingSteps };
    if (Object.keys(brokenFloors(accuracy, this.floors)).length > 0) return;
    const accuracies = [...this.state.accuracies, { layer: stage.layer.name, retrainingSteps, accuracy }];
    this.state = { ...this.state, network: retrained.network, accuracies };
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
    let { network } = this.state;
    const took = { measureMs: 0, pairMs: 0, mergeMs: 0, refitMs: 0 };
    const timed = async <T>(what: keyof ShareTime, work: () => Promise<T>): Promise<T> => {
      const started = performance.now();
      const result = await work();
      took[what] += performance.now() - started;
      return result;
    };
    const measure = (step: WeightedStep): Promise<StepGram[]> =>
      timed('measureMs', () =>
        measureTasks(network, step, this.context, (task) => report({ stage: 'measure', task })),
      );
    const refit = async (step: WeightedStep, grams?: readonly StepGram[]): Promise<void> => {
      network = await timed('refitMs', () => this.refitter.fit(network, step, grams));
    };
    const count = this.countOf(group);
    let first: readonly StepGram[] | undefined;
    if (!isFormed(network, group)) {
      const grams = new Map<string, readonly StepGram[]>();
      for (const step of producersOf(network, group)) grams.set(step.name, await measure(step));
      first = grams.get(layer.name);
      await refit(layer, first);
      const others = formAll(network, this.hintsFor(group));
      const { matching, seed } = this.recipe;
      await timed('pairMs', async () => {
        const pairing = await pairGroup(others, group, { count, matching, seed, grams });
        for (const forming of pairing.formings) network = formBlocks(network, forming);
      });
    }
    let cost = 0;
    for (const step of steps) {
      if (!isMergeable(network, step) && !this.refitter.fits(network, step)) continue;
      // What a later step reads changes when the steps before it are merged.
      const known = step === layer ? first : undefined;
      const grams = known ?? (await measure(step));
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

  /** Fits a stage of which nothing is shared on what reaches it now; what follows the last stage that is planned is already. */
  private async refitUnplanned({ index, steps }: ZipStage, network: Network): Promise<Network> {
    let fitted = network;
    for (const step of index < (this.lastPlanned()?.index ?? 0) ? steps : [])
      fitted = await this.refitter.fit(fitted, step);
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
  ): Promise<{ network: Network; steps: number }> {
    const { retraining, seed } = this.recipe;
    const { provider, signal, checkpoint } = this.options;
    const base = this.state.retrainingSteps;
    return retrain(
      network,
      this.sources.map(({ task, train, validation, graph }) => ({
        ...{ task, data: train, validation, original: graph },
      })),
      {
        ...{ retraining, steps, provider, signal },
        // Each attempt at a stage sees other batches.
        seed: seed + stage.index + this.state.attempt * this.stages.length,
        onProgress: (progress) => {
          this.note(base, progress);
          report({ stage: 'retrain', ...progress });
        },
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
  }

  private note(base: number, { step, steps, losses }: TrainProgress): void {
    if (step % lossEverySteps !== 0 && step !== steps) return;
    const named = Object.fromEntries(this.sources.map(({ task }, index) => [task, losses[index] ?? NaN]));
    const kept = this.state.losses.filter((loss) => loss.step < base + step);
    this.state = { ...this.state, losses: [...kept, { step: base + step, losses: named }] };
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
   * Goes back to where the stage began and plans half as many channels for its group. Where earlier layers share the
   * group already, the channels that are given up become every task's own again.
   */
  private undo(
    { layer, group }: ZipStage,
    before: Network,
    shared: Network,
    broken: Pick<FloorEvent, 'accuracy' | 'floors' | 'retrainingSteps'>,
    report: (event: ZipEvent) => void,
  ): void {
    const from = this.countOf(group);
    const to = Math.floor(from / 2);
    const plan = new Map(this.state.plan);
    if (to > 0) plan.set(group, to);
    else plan.delete(group);
    let network = before;
    if (isFormed(before, group)) {
      const width = blockOf(shared, group, allOf(shared.tasks.length))?.sources.length ?? 0;
      const back = Array.from({ length: width - to }, (_, k) => to + k);
      network = unformBlocks(before, group, back);
    }
    // What could read nothing shared any more is not shared either.
    const orphan = (): number | undefined =>
      [...plan.keys()].find((each) => wiringProblem(network, plan, each) !== null);
    for (let each = orphan(); each !== undefined; each = orphan()) plan.delete(each);
    const name = network.topology.groups[group]?.name ?? String(group);
    const event = { group: name, from, to, ...broken };
    report({ stage: 'floor', ...event });
    this.state = {
      ...this.state,
      ...{ attempt: this.state.attempt + 1, plan: [...plan], network },
      events: [...this.state.events, { layer: layer.name, ...event }],
    };
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

/** A network's layers that can be shared, each with the channelwise steps before the next layer. */
function stagesOf(network: Network): ZipStage[] {
  const stages: { index: number; layer: Layer; group: number; steps: WeightedStep[] }[] = [];
  for (const step of weightedSteps(network)) {
    if (step.kind === 'channelwise') {
      stages.at(-1)?.steps.push(step);
      continue;
    }
    const group = valueAt(network.topology, step.output).segments[0]?.group ?? inputGroup;
    stages.push({ index: stages.length, layer: step, group, steps: [step] });
  }
  return stages;
}
