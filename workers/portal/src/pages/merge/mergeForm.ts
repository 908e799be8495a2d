import { name as nameSchema } from '../../../../../shared/manifest.ts';
import type { MergeRequestInput } from '../../../../../shared/jobs.ts';
import type { Budget, RecipeInput, Storage, Wiring } from '../../../../../shared/recipe.ts';

/** One network of the form. */
export interface SourceForm {
  /** Only to tell lines apart. */
  readonly key: number;
  readonly task: string;
  /** References, e.g. "digit@2"; null: not picked yet. */
  readonly model: string | null;
  readonly data: string | null;
}

/** A merge as a person fills it in; numbers as they are typed. */
export interface MergeForm {
  readonly name: string;
  readonly sources: readonly SourceForm[];
  readonly wiring: Wiring;
  readonly stepsPerLayer: string;
  readonly finalSteps: string;
  readonly batchSize: string;
  readonly learningRate: string;
  /** Percent, 0 to 100. */
  readonly distillation: string;
  /** Percentage points that a task may lose before a layer shares less; empty: no floor. */
  readonly maxDrop: string;
  readonly storage: Storage;
  readonly endpoint: string;
  readonly publish: boolean;
}

export const emptyForm: MergeForm = {
  name: '',
  sources: [
    { key: 1, task: '', model: null, data: null },
    { key: 2, task: '', model: null, data: null },
  ],
  wiring: 'one-way',
  stepsPerLayer: '100',
  finalSteps: '540',
  batchSize: '64',
  learningRate: '0.001',
  distillation: '100',
  maxDrop: '',
  storage: 'float32',
  endpoint: '',
  publish: false,
};

export const presets = [
  {
    id: 'quick',
    label: 'Quick look',
    hint: 'Minutes; accuracy still to be gained',
    stepsPerLayer: '20',
    finalSteps: '60',
  },
  {
    id: 'balanced',
    label: 'Balanced',
    hint: 'What the examples use',
    stepsPerLayer: '100',
    finalSteps: '540',
  },
  {
    id: 'thorough',
    label: 'Thorough',
    hint: 'For networks that are hard to share',
    stepsPerLayer: '400',
    finalSteps: '3000',
  },
] as const;

/** Which preset the numbers are; null: of one's own. */
export const presetOf = ({ stepsPerLayer, finalSteps }: MergeForm): string | null =>
  presets.find((one) => one.stepsPerLayer === stepsPerLayer && one.finalSteps === finalSteps)?.id ?? null;

export type MergeErrors = Partial<Record<keyof MergeForm, string>>;

const wholeBetween = (text: string, low: number, high: number): string | undefined =>
  /^\d+$/.test(text.trim()) && Number(text) >= low && Number(text) <= high
    ? undefined
    : `a whole number from ${low.toLocaleString('en-US')} to ${high.toLocaleString('en-US')}`;
const between = (text: string, low: number, high: number): string | undefined =>
  text.trim() !== '' && Number(text) >= low && Number(text) <= high
    ? undefined
    : `a number from ${low} to ${high}`;

/** What is wrong with the form, by field; empty: it can be sent. */
export function checkForm(form: MergeForm): MergeErrors {
  const bundleName = nameSchema.safeParse(form.name).success;
  const endpointName = form.endpoint === '' || nameSchema.safeParse(form.endpoint).success;
  const naming = 'Use 1 to 63 of a-z, 0-9, ".", "_" and "-", a letter or digit first.';
  const errors: Record<string, string | undefined> = {
    name: bundleName ? undefined : naming,
    endpoint: endpointName
      ? form.publish && form.endpoint === ''
        ? 'Name the endpoint that shall serve it.'
        : undefined
      : naming,
    sources: form.sources.some(({ task }) => task !== '' && !nameSchema.safeParse(task).success)
      ? naming
      : undefined,
    stepsPerLayer: sentence(wholeBetween(form.stepsPerLayer, 0, 100_000)),
    finalSteps: sentence(wholeBetween(form.finalSteps, 0, 1_000_000)),
    batchSize: sentence(wholeBetween(form.batchSize, 1, 4096)),
    learningRate: sentence(between(form.learningRate, 1e-9, 10)),
    distillation: sentence(between(form.distillation, 0, 100)),
    maxDrop: form.maxDrop.trim() === '' ? undefined : sentence(between(form.maxDrop, 0, 100)),
  };
  return Object.fromEntries(Object.entries(errors).filter(([, text]) => text !== undefined));
}

const sentence = (what: string | undefined): string | undefined =>
  what === undefined ? undefined : `Enter ${what}.`;

/** What the form asks for. @param budget where on the curve; undefined: everything that can be shared */
export function recipeOf(form: MergeForm, budget: Budget | undefined): RecipeInput {
  return {
    wiring: form.wiring,
    share: { share: 1 },
    ...(budget && { budget }),
    ...(form.maxDrop.trim() !== '' && { floors: { maxDrop: Number(form.maxDrop) / 100 } }),
    retraining: {
      stepsPerLayer: Number(form.stepsPerLayer),
      finalSteps: Number(form.finalSteps),
      batchSize: Number(form.batchSize),
      learningRate: Number(form.learningRate),
      distillation: Number(form.distillation) / 100,
    },
    storage: form.storage,
  };
}

/** The sources that are complete. */
export const pickedSources = ({ sources }: MergeForm): MergeRequestInput['sources'] =>
  sources.flatMap(({ task, model, data }) =>
    model === null || data === null || task === '' ? [] : [{ task, model, data }],
  );

export const requestOf = (form: MergeForm, budget: Budget | undefined): MergeRequestInput => ({
  name: form.name,
  sources: pickedSources(form),
  recipe: recipeOf(form, budget),
  ...(form.endpoint !== '' && { endpoint: { name: form.endpoint } }),
  publish: form.publish && form.endpoint !== '',
});

/** A name for the bundle, as long as nobody typed one: "digit-fashion". */
export function suggestedName(sources: readonly SourceForm[]): string {
  const tasks = sources.map(({ task }) => task).filter((task) => task !== '');
  return tasks.length < 2 ? '' : tasks.join('-').slice(0, 63);
}

/** The data set that most likely belongs to a task: one named after it. */
export function guessData(task: string, datasets: readonly { readonly name: string }[]): string | null {
  const score = ({ name }: { name: string }): number =>
    name === task || name === `${task}-data`
      ? 3
      : name.startsWith(`${task}-`)
        ? 2
        : name.includes(task)
          ? 1
          : 0;
  const best = datasets.toSorted((a, b) => score(b) - score(a))[0];
  return best !== undefined && task !== '' && score(best) > 0 ? best.name : null;
}
