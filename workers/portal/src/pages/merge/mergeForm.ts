import { name as nameSchema } from '../../../../../shared/manifest.ts';
import type { MergeRequestInput } from '../../../../../shared/jobs.ts';
import type { RecipeInput, Storage, Wiring } from '../../../../../shared/recipe.ts';
import { budgetOf, budgetUnit, mebibyte, type TypedBudget } from './typedBudget.ts';

/** One network of the form. */
export interface SourceForm {
  /** Only to tell lines apart. */
  readonly key: number;
  readonly task: string;
  /** References, e.g. "digit@2"; null: not picked yet. */
  readonly model: string | null;
  readonly data: string | null;
  /** Least accuracy in percent; empty: no floor of its own. */
  readonly floor: string;
}

/** A merge as a person fills it in; numbers as they are typed. */
export interface MergeForm extends TypedBudget {
  readonly name: string;
  readonly sources: readonly SourceForm[];
  readonly wiring: Wiring;
  readonly stepsPerLayer: string;
  readonly finalSteps: string;
  readonly batchSize: string;
  readonly learningRate: string;
  /** Percent, 0 to 100. */
  readonly distillation: string;
  /** Percentage points that tasks without a floor of their own may lose before a layer shares less; empty: no floor. */
  readonly maxDrop: string;
  readonly storage: Storage;
  readonly endpoint: string;
  readonly publish: boolean;
}

export const emptyForm: MergeForm = {
  name: '',
  sources: [
    { key: 1, task: '', model: null, data: null, floor: '' },
    { key: 2, task: '', model: null, data: null, floor: '' },
  ],
  wiring: 'one-way',
  budgetOf: 'parameters',
  budget: '',
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

export type MergeErrors = Partial<Record<keyof MergeForm | 'floors', string>>;

const wholeBetween = (text: string, low: number, high: number): string | undefined =>
  /^\d+$/.test(text.trim()) && Number(text) >= low && Number(text) <= high
    ? undefined
    : `a whole number from ${low.toLocaleString('en-US')} to ${high.toLocaleString('en-US')}`;
const between = (text: string, low: number, high: number): string | undefined =>
  text.trim() !== '' && Number(text) >= low && Number(text) <= high
    ? undefined
    : `a number from ${low} to ${high}`;

/** Tasks of which no labels say what is right, by what is done with their data. */
export interface Unlabelled {
  /** Not to be retrained by labels. */
  readonly trained: readonly string[];
  /** Not to be held to an accuracy. */
  readonly judged: readonly string[];
}
const allLabelled: Unlabelled = { trained: [], judged: [] };

/** What is wrong with the form, by field; empty: it can be sent. */
export function checkForm(form: MergeForm, unlabelled: Unlabelled = allLabelled): MergeErrors {
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
    distillation: sentence(between(form.distillation, 0, 100)) ?? blindLabels(form, unlabelled),
    budget: sentence(wrongBudget(form)),
    floors: form.sources.map((source) => floorError(source, unlabelled)).find((one) => one !== undefined),
    maxDrop: form.maxDrop.trim() === '' ? undefined : sentence(between(form.maxDrop, 0, 100)),
  };
  return Object.fromEntries(Object.entries(errors).filter(([, text]) => text !== undefined));
}

/** What is wrong with the floor of one task. */
export const floorError = (
  { task, floor }: SourceForm,
  { judged }: Unlabelled = allLabelled,
): string | undefined =>
  floor.trim() === '' || judged.includes(task) ? undefined : sentence(between(floor, 0, 100));

function blindLabels({ distillation, stepsPerLayer, finalSteps }: MergeForm, { trained }: Unlabelled) {
  const [first] = trained;
  const trains = Number(stepsPerLayer) + Number(finalSteps) > 0;
  return first !== undefined && trains && Number(distillation) < 100
    ? `Enter 100: the data of "${first}" have no labels.`
    : undefined;
}

/** Many more than anybody has: what is larger than a file can be is a slip. */
const mostMebibytes = 1e6;

function wrongBudget({ budgetOf, budget }: MergeForm): string | undefined {
  if (budget.trim() === '') return undefined;
  if (budgetUnit(budgetOf) === '%') return between(budget, 0, 100);
  return between(budget, 1 / mebibyte, mostMebibytes) && 'a number of MiB above 0, e.g. 2.5';
}

const sentence = (what: string | undefined): string | undefined =>
  what === undefined ? undefined : `Enter ${what}.`;

/** What the form asks for. */
export function recipeOf(form: MergeForm, unlabelled: Unlabelled = allLabelled): RecipeInput {
  const budget = budgetOf(form);
  const floors = floorsOf(form, unlabelled);
  return {
    wiring: form.wiring,
    share: { share: 1 },
    ...(budget && { budget }),
    ...(floors && { floors }),
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

function floorsOf({ sources, maxDrop }: MergeForm, { judged }: Unlabelled): RecipeInput['floors'] {
  const own = sources.filter(
    ({ task, floor }) => task !== '' && floor.trim() !== '' && !judged.includes(task),
  );
  const accuracy = Object.fromEntries(own.map(({ task, floor }) => [task, Number(floor) / 100]));
  const drop = maxDrop.trim() === '' ? {} : { maxDrop: Number(maxDrop) / 100 };
  if (own.length === 0) return 'maxDrop' in drop ? drop : undefined;
  return { ...drop, accuracy };
}

/** What a plan depends on: its curve is the whole one, whatever the budget, saving first what that is of. */
export const planRecipe = ({ wiring }: MergeForm, of: 'parameters' | 'macs'): RecipeInput => ({
  ...recipeOf({ ...emptyForm, wiring }),
  budget: { of, atMost: 1 },
});

/** The sources that are complete. */
export const pickedSources = ({ sources }: MergeForm): MergeRequestInput['sources'] =>
  sources.flatMap(({ task, model, data }) =>
    model === null || data === null || task === '' ? [] : [{ task, model, data }],
  );

export const requestOf = (form: MergeForm, unlabelled: Unlabelled = allLabelled): MergeRequestInput => ({
  name: form.name,
  sources: pickedSources(form),
  recipe: recipeOf(form, unlabelled),
  ...(form.endpoint !== '' && { endpoint: { name: form.endpoint } }),
  publish: form.publish && form.endpoint !== '',
});

/** Which field a refusal of the service is about; null: it names none that is in the form. */
export function refusedField(message: string): keyof MergeErrors | null {
  const fields: readonly (readonly [RegExp, keyof MergeErrors])[] = [
    [/\brecipe\.budget\b/, 'budget'],
    [/\brecipe\.floors\.accuracy\b/, 'floors'],
    [/\brecipe\.floors\b/, 'maxDrop'],
    [/\brecipe\.retraining\.distillation\b/, 'distillation'],
    [/\bthe endpoint\b|\bendpoint "/, 'endpoint'],
  ];
  return fields.find(([pattern]) => pattern.test(message))?.[1] ?? null;
}

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
