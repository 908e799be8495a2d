import type { ExperimentRequestInput } from '../../../../../client/experiments.ts';
import { rampSteps, slotCount, type UnitSource } from '../../../../../shared/experiment.ts';
import { name as nameSchema } from '../../../../../shared/manifest.ts';

/** An arm that is compared with what the endpoint serves now. */
export interface Candidate {
  readonly name: string;
  /** Bundle by task, of the tasks that it answers. */
  readonly tasks: Readonly<Record<string, string>>;
}

/** An experiment as a person fills it in; numbers as they are typed, in percent or points. */
export interface ExperimentForm {
  readonly name: string;
  readonly unitFrom: UnitSource['from'];
  readonly unitName: string;
  /** Share of units that the candidate gets, 1 to 99 percent. */
  readonly share: string;
  /** Points a task may lose, by task; others have `margin`. */
  readonly margin: string;
  readonly margins: Readonly<Record<string, string>>;
  readonly maxDrop: string;
  readonly maxSlower: string;
  readonly maxErrors: string;
  readonly guarded: boolean;
  readonly plannedUnits: string;
  readonly alpha: string;
}

export const emptyExperiment: ExperimentForm = {
  name: '',
  unitFrom: 'header',
  unitName: 'x-unit',
  share: '50',
  margin: '1',
  margins: {},
  maxDrop: '5',
  maxSlower: '20',
  maxErrors: '1',
  guarded: true,
  plannedUnits: '5000',
  alpha: '5',
};

export type ExperimentErrors = Partial<Record<keyof ExperimentForm, string>>;

const between = (text: string, low: number, high: number): string | undefined =>
  text.trim() !== '' && Number(text) >= low && Number(text) <= high
    ? undefined
    : `Enter a number from ${low} to ${high}.`;

/** Empty: no such guardrail. */
const optional = (text: string, low: number, high: number): string | undefined =>
  text.trim() === '' ? undefined : between(text, low, high);

export function checkExperiment(form: ExperimentForm): ExperimentErrors {
  const margins = [form.margin, ...Object.values(form.margins)].map((text) => between(text, 0.01, 100));
  const errors: Record<string, string | undefined> = {
    name: nameSchema.safeParse(form.name).success
      ? undefined
      : 'Use 1 to 63 of a-z, 0-9, ".", "_" and "-", a letter or digit first.',
    unitName: /^[A-Za-z0-9_-]{1,64}$/.test(form.unitName)
      ? undefined
      : 'Use 1 to 64 letters, digits, "_" or "-".',
    share: between(form.share, 1, 99),
    margin: margins.find((one) => one !== undefined),
    maxDrop: optional(form.maxDrop, 0, 100),
    maxSlower: optional(form.maxSlower, 0, 1000),
    maxErrors: optional(form.maxErrors, 0, 100),
    plannedUnits:
      /^\d+$/.test(form.plannedUnits) && Number(form.plannedUnits) >= 100
        ? undefined
        : 'Enter a whole number from 100 on.',
    alpha: between(form.alpha, 0.01, 20),
  };
  return Object.fromEntries(Object.entries(errors).filter(([, text]) => text !== undefined));
}

/** The arm that the endpoint serves now: the others are compared with it. */
export const currentArm = 'current';

/** What the form asks for. Tasks that the candidate does not answer are answered as now in both arms. */
export function experimentOf(
  form: ExperimentForm,
  endpoint: { readonly name: string; readonly tasks: Readonly<Record<string, string>> },
  candidate: Candidate,
): ExperimentRequestInput {
  const tasks = Object.keys(endpoint.tasks);
  const changed = tasks.filter((task) => candidate.tasks[task] !== undefined);
  const weight = Math.round((Number(form.share) / 100) * slotCount);
  const set = (text: string): boolean => text.trim() !== '';
  return {
    endpoint: endpoint.name,
    unit: { from: form.unitFrom, name: form.unitName },
    arms: [
      { name: currentArm, weight: slotCount - weight, tasks: { ...endpoint.tasks } },
      {
        name: candidate.name,
        weight,
        tasks: Object.fromEntries(
          tasks.map((task) => [task, candidate.tasks[task] ?? endpoint.tasks[task] ?? '']),
        ),
      },
    ],
    defaultArm: currentArm,
    margins: Object.fromEntries(tasks.map((task) => [task, Number(form.margins[task] ?? form.margin) / 100])),
    alpha: Number(form.alpha) / 100,
    plannedUnits: Number(form.plannedUnits),
    guardrails: [
      ...(set(form.maxErrors)
        ? [{ kind: 'errors' as const, maxIncrease: Number(form.maxErrors) / 100 }]
        : []),
      ...(set(form.maxSlower)
        ? [{ kind: 'latency' as const, maxIncrease: Number(form.maxSlower) / 100 }]
        : []),
      ...(set(form.maxDrop)
        ? changed.map((task) => ({ kind: 'accuracy' as const, task, maxDrop: Number(form.maxDrop) / 100 }))
        : []),
    ],
    ramp: { steps: form.guarded ? [...rampSteps] : [1], minUnits: 100 },
  };
}
