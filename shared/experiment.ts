import { z } from 'zod';
import { name, sha256 } from './manifest.ts';

/** Places a unit can hash to; weights are counted in them. */
export const slotCount = 10_000;

/** Coverage of a guarded rollout, step by step. */
export const rampSteps = [0.01, 0.05, 0.1, 0.25, 0.5, 1] as const;

export const experimentStates = ['draft', 'running', 'paused', 'decided', 'rolled-back', 'archived'] as const;
export type ExperimentState = (typeof experimentStates)[number];

/** What may follow what. A decided or rolled-back experiment never runs again: its numbers would mix two questions. */
export const transitions: Readonly<Record<ExperimentState, readonly ExperimentState[]>> = {
  draft: ['running', 'archived'],
  running: ['paused', 'decided', 'rolled-back'],
  paused: ['running', 'decided', 'rolled-back'],
  decided: ['archived'],
  'rolled-back': ['archived'],
  archived: [],
};

/** A fraction, 0 to 1. */
const share = z.number().min(0).max(1);
const weight = z.int().min(0).max(slotCount);

/** One branch of an experiment: the bundle that answers each task. A weight of 0 gets no unit but can be addressed. */
export const arm = z.strictObject({
  name,
  /** Slots of the 10,000 this arm owns at full coverage. */
  weight,
  tasks: z.record(name, sha256),
});
export type Arm = z.infer<typeof arm>;

/** Where a request names its unit. */
export const unitSource = z.strictObject({
  from: z.enum(['header', 'query', 'cookie']),
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "_" or "-"'),
});
export type UnitSource = z.infer<typeof unitSource>;

/**
 * Experiments of one layer that own disjoint slots never share a unit. The slots of a layer are hashed apart from those
 * of its experiments, so which layer slots an experiment owns says nothing about the arms its units get.
 */
export const layer = z
  .strictObject({ name, start: z.int().min(0), end: z.int().max(slotCount) })
  .refine(({ start, end }) => start < end, { error: 'a layer range must start before it ends' });
export type Layer = z.infer<typeof layer>;

/** `share` of the requests also run `arm` after the reply; requests `arm` served run the default arm instead. */
export const shadow = z.strictObject({ share, arm: name });

/** What rolls an experiment back when an arm is surely worse than the default by more than this. */
export const guardrail = z.discriminatedUnion('kind', [
  /** Errors a request, as a difference of fractions. */
  z.strictObject({ kind: z.literal('errors'), maxIncrease: share }),
  /** Mean latency, as a relative increase: 0.2 is a fifth slower. */
  z.strictObject({ kind: z.literal('latency'), maxIncrease: z.number().min(0) }),
  /** Accuracy or mean reward of one task, as a difference of fractions. */
  z.strictObject({ kind: z.literal('accuracy'), task: name, maxDrop: share }),
]);
export type Guardrail = z.infer<typeof guardrail>;

export const ramp = z.strictObject({
  steps: z
    .array(share.positive())
    .min(1)
    .refine((steps) => steps.every((step, i) => step > (steps[i - 1] ?? 0)), {
      error: 'ramp steps must grow',
    }),
  /** Units every arm must gain at a step before the next one. */
  minUnits: z.int().min(1),
});

/** A stretch of time with the same weights and coverage. */
export const phase = z.strictObject({
  revision: z.int().min(1),
  weights: z.record(name, weight),
  coverage: share,
  startedAt: z.iso.datetime(),
  /** Null while it lasts. */
  endedAt: z.iso.datetime().nullable(),
});
export type Phase = z.infer<typeof phase>;

/** How an experiment ended: the arm the endpoint serves from then on, and why. */
export const decision = z.strictObject({
  arm: name,
  reason: z.string().min(1).max(1000),
  by: z.enum(['rule', 'person']),
  at: z.iso.datetime(),
});

/** What the edge needs to assign units; published with the endpoint's routing. */
const assignable = {
  experiment: name,
  /** Grows when units have to be drawn anew: see `redraws()`. */
  revision: z.int().min(1),
  unit: unitSource,
  layer: layer.nullable(),
  /** Fraction of each arm's slots that are in use; the others get the default arm and are not counted. */
  coverage: share,
  arms: z.array(arm).min(2).max(16),
  /** What every unassigned request gets, and what the other arms are compared with. */
  defaultArm: name,
  shadow: shadow.nullable(),
};

/** What the cross-checks of a published experiment look at. */
interface Assignable {
  arms: Arm[];
  defaultArm: string;
  shadow: z.infer<typeof shadow> | null;
}

function misassigned({ arms, defaultArm, shadow }: Assignable): string[] {
  const complaints: string[] = [];
  const names = new Set(arms.map((one) => one.name));
  if (names.size < arms.length) complaints.push('two arms have the same name');
  const total = arms.reduce((sum, one) => sum + one.weight, 0);
  if (total !== slotCount)
    complaints.push(`the weights sum to ${total} slots, they must sum to ${slotCount}`);
  for (const named of [defaultArm, ...(shadow ? [shadow.arm] : [])]) {
    if (!names.has(named)) complaints.push(`"${named}" is not an arm`);
  }
  if (arms.some((one) => one.name === defaultArm && one.weight === 0)) {
    complaints.push('the default arm needs slots: it is what the other arms are compared with');
  }
  const tasksOf = (one: Arm): string => Object.keys(one.tasks).sort().join(', ');
  const tasks = tasksOf(arms[0] ?? { name: '', weight: 0, tasks: {} });
  if (tasks === '') complaints.push('an arm must answer at least one task');
  for (const one of arms) {
    if (tasksOf(one) !== tasks) {
      complaints.push(
        `arm "${one.name}" answers ${tasksOf(one) || 'nothing'}, the first arm answers ${tasks}`,
      );
    }
  }
  return complaints;
}

export const publishedExperiment = z.strictObject(assignable).check((ctx) => {
  for (const message of misassigned(ctx.value)) {
    ctx.issues.push({ code: 'custom', message, input: ctx.value });
  }
});
export type PublishedExperiment = z.infer<typeof publishedExperiment>;

/** What the analysis of an experiment is told beforehand. */
const analysis = {
  /** Largest acceptable loss of accuracy (or mean reward, 0 to 1) against the default arm, by task. */
  margins: z.record(name, share.positive()),
  /** Chance of a wrong verdict, over all tasks and arms and however often one looks. */
  alpha: z.number().positive().max(0.2).default(0.05),
  /** Units at which the intervals are tightest (they are valid at any number). */
  plannedUnits: z.int().min(100).default(5000),
  guardrails: z.array(guardrail).max(32),
  ramp: ramp.default({ steps: [...rampSteps], minUnits: 100 }),
};

export const experiment = z
  .strictObject({
    ...assignable,
    ...analysis,
    endpoint: name,
    state: z.enum(experimentStates),
    /** Grows with every edit; an edit that names an older version is refused. */
    version: z.int().min(1),
    phases: z.array(phase),
    decision: decision.nullable(),
  })
  .check((ctx) => {
    const { arms, margins, guardrails, phases, state, decision } = ctx.value;
    const complaints = misassigned(ctx.value);
    const tasks = Object.keys(arms[0]?.tasks ?? {});
    for (const task of tasks) {
      if (!Object.hasOwn(margins, task)) complaints.push(`task "${task}" has no margin`);
    }
    const measured = [
      ...Object.keys(margins),
      ...guardrails.flatMap((one) => (one.kind === 'accuracy' ? one.task : [])),
    ];
    for (const task of measured) {
      if (!tasks.includes(task)) complaints.push(`no arm answers task "${task}"`);
    }
    for (const [i, one] of phases.entries()) {
      const next = phases[i + 1];
      if (one.endedAt === null && next) complaints.push(`phase ${i + 1} must end before the next begins`);
      if (one.endedAt !== null && Date.parse(one.endedAt) < Date.parse(one.startedAt)) {
        complaints.push(`phase ${i + 1} ends before it starts`);
      }
      if (one.endedAt !== null && next && Date.parse(next.startedAt) < Date.parse(one.endedAt)) {
        complaints.push(`phase ${i + 2} starts before phase ${i + 1} ends`);
      }
    }
    if (decision !== null && !arms.some((one) => one.name === decision.arm)) {
      complaints.push(`the decision names "${decision.arm}", which is not an arm`);
    }
    if ((state === 'decided' || state === 'rolled-back') && decision === null) {
      complaints.push(`an experiment that is ${state} must say for which arm and why`);
    }
    for (const message of complaints) ctx.issues.push({ code: 'custom', message, input: ctx.value });
  });
export type Experiment = z.infer<typeof experiment>;
/** An experiment as a person writes it, defaults left out. */
export type ExperimentInput = z.input<typeof experiment>;

export const canBecome = (from: ExperimentState, to: ExperimentState): boolean =>
  transitions[from].includes(to);

/**
 * Whether an edit makes the numbers gathered so far incomparable, so that units must be drawn anew under the next
 * revision: another unit, layer, default, or arm (its order, weight or bundles). Coverage, shadow and margins do not.
 */
export function redraws(before: Experiment, after: Experiment): boolean {
  const drawn = ({ unit, layer, arms, defaultArm }: Experiment): string =>
    JSON.stringify([
      [unit.from, unit.name],
      layer && [layer.name, layer.start, layer.end],
      arms.map(({ name, weight, tasks }) => [name, weight, Object.entries(tasks).sort()]),
      defaultArm,
    ]);
  return drawn(before) !== drawn(after);
}

/** The part of a running experiment that the edge reads; null in any other state, when the endpoint's routing serves all. */
export function published(one: Experiment): PublishedExperiment | null {
  if (one.state !== 'running') return null;
  const { experiment, revision, unit, layer, coverage, arms, defaultArm, shadow } = one;
  return { experiment, revision, unit, layer, coverage, arms, defaultArm, shadow };
}
