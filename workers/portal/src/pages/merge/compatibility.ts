import {
  declaredSampleDims,
  hasLabels,
  isJudgedByLabels,
  type DatasetDocument,
} from '../../../../../shared/dataset.ts';
import type { DatasetInspection, ModelInspection } from '../../../../../shared/inspection.ts';
import { describeTensor, type TensorSpec } from '../../../../../shared/manifest.ts';
import type { ModelDocument } from '../../../../../shared/registry.ts';
import { formatPlural } from '../../ui/format.ts';
import type { Unlabelled } from './mergeForm.ts';

/** A network as it is known before the merge; without an inspection no runner has read it yet. */
export interface KnownModel {
  readonly ref: string;
  readonly document: ModelDocument;
  readonly inspection: ModelInspection | null;
}

export interface KnownData {
  readonly ref: string;
  readonly document: DatasetDocument;
  readonly inspection: DatasetInspection | null;
}

/** One line of the form: a task, and what was picked for it so far. */
export interface KnownSource {
  readonly task: string;
  readonly model: KnownModel | null;
  readonly data: KnownData | null;
}

export interface Finding {
  /** `bad`: the merge would be refused; `warn`: worth knowing. */
  readonly tone: 'good' | 'warn' | 'bad';
  readonly text: string;
}

/** Problems of one network or data set that are told; the rest is on its own page. */
const toldProblems = 2;

/**
 * What is known about whether these networks and data sets go together: by the rules that the service applies when it is
 * asked for the merge, and what the inspections add.
 */
export function checkSources(sources: readonly KnownSource[]): Finding[] {
  const findings: Finding[] = [];
  const tasks = sources.map(({ task }) => task).filter((task) => task !== '');
  const twice = tasks.find((task, at) => tasks.indexOf(task) !== at);
  if (twice !== undefined)
    findings.push(bad(`Two networks are of task "${twice}": each task can be merged once.`));
  for (const source of sources) findings.push(...checkOne(source));
  findings.push(...checkInputs(sources), ...checkGroups(sources));
  return findings;
}

/** Whether nothing that is known speaks against the merge. */
export const isMergeable = (sources: readonly KnownSource[]): boolean =>
  sources.length >= 2 &&
  sources.every(({ task, model, data }) => task !== '' && model !== null && data !== null) &&
  checkSources(sources).every(({ tone }) => tone !== 'bad');

/** Tasks that have no labels, by what that keeps from being done. */
export function unlabelledOf(sources: readonly KnownSource[]): Unlabelled {
  const named = (is: (document: DatasetDocument) => boolean): string[] =>
    sources.flatMap(({ task, data }) => (data !== null && !is(data.document) ? [task] : []));
  return { trained: named(({ source }) => hasLabels(source)), judged: named(isJudgedByLabels) };
}

function checkLabels({ task, data }: KnownSource): Finding[] {
  if (data === null) return [];
  const [trained, judged] = [hasLabels(data.document.source), isJudgedByLabels(data.document)];
  if (trained && judged) return [];
  const learns = trained ? '' : " The task learns from its own network's answers.";
  const measured = judged
    ? ''
    : ' What is measured is how many answers stay those of its own network, not accuracy.';
  const what = trained ? `what ${data.ref} holds out` : data.ref;
  return [warn(`${task}: ${what} has no labels.${learns}${measured}`)];
}

function checkOne(source: KnownSource): Finding[] {
  const { task, model, data } = source;
  const findings = checkLabels(source);
  for (const one of [model, data]) {
    if (one === null) continue;
    if (one.inspection === null)
      findings.push(warn(`${one.ref} has not been read by a runner yet: less is known about it.`));
    else
      for (const problem of one.inspection.problems.slice(0, toldProblems))
        findings.push(warn(`${one.ref}: ${problem}`));
  }
  if (model === null || data === null) return findings;
  const [own, given] = [model.document.labels.length, data.document.labels.length];
  const classes = classesOf(model.inspection);
  if (own > 0 && own !== given)
    findings.push(bad(`${task}: ${model.ref} has ${formatPlural(own, 'label')}, ${data.ref} has ${given}.`));
  else if (classes !== null && given > classes)
    findings.push(
      bad(
        `${task}: ${model.ref} answers ${classes} classes, ${data.ref} has ${formatPlural(given, 'label')}.`,
      ),
    );
  const sample = data.inspection?.sampleDims ?? declaredSampleDims(data.document);
  const [input, ...more] = model.inspection?.inputs ?? [];
  if (input !== undefined && more.length === 0 && sample !== null) {
    const wanted = input.dims.slice(1);
    const fits = wanted.length === sample.length && wanted.every((dim, i) => dim === -1 || dim === sample[i]);
    if (!fits)
      findings.push(
        bad(
          `${task}: ${model.ref} reads [${wanted.join(', ')}], a sample of ${data.ref} is [${sample.join(', ')}].`,
        ),
      );
  }
  return findings;
}

/** Classes of the only answer; null: not known. */
function classesOf(inspection: ModelInspection | null): number | null {
  const [output, ...more] = inspection?.outputs ?? [];
  const classes = more.length === 0 && output?.dims.length === 2 ? (output.dims[1] ?? -1) : -1;
  return classes > 0 ? classes : null;
}

/** What networks read has to be the same; names and the batch do not matter. */
function checkInputs(sources: readonly KnownSource[]): Finding[] {
  const known = sources.flatMap(({ model }) =>
    model?.inspection ? [{ ref: model.ref, reads: describe(model.inspection.inputs) }] : [],
  );
  const [first, ...others] = known;
  if (first === undefined || others.length === 0) return [];
  const other = others.find(({ reads }) => reads !== first.reads);
  if (other !== undefined)
    return [
      bad(
        `${first.ref} reads ${first.reads}, ${other.ref} reads ${other.reads}: networks of one merge read the same input.`,
      ),
    ];
  return [{ tone: 'good', text: `All networks read ${first.reads}.` }];
}

const describe = (inputs: readonly TensorSpec[]): string =>
  inputs
    .map(({ dtype, dims }) => describeTensor({ dtype, dims: dims.map((dim, i) => (i === 0 ? -1 : dim)) }))
    .join(' and ');

/** How many groups can be shared at all: networks are walked side by side, group by group. */
function checkGroups(sources: readonly KnownSource[]): Finding[] {
  const known = sources.flatMap(({ model }) => (model?.inspection ? [model.inspection.groups] : []));
  if (known.length < 2) return [];
  const shareable = known.map((groups) => groups.filter((group) => group.shareable).length);
  const fewest = Math.min(...shareable);
  if (fewest === 0)
    return [warn('One of the networks has no channels that can be shared: its page says why.')];
  if (new Set(shareable).size === 1)
    return [
      {
        tone: 'good',
        text: `Each network has ${formatPlural(fewest, 'group')} of channels that can be shared.`,
      },
    ];
  return [
    warn(
      `The networks have different numbers of groups that can be shared (${shareable.join(', ')}): only what lies alike from the input on is.`,
    ),
  ];
}

const bad = (text: string): Finding => ({ tone: 'bad', text });
const warn = (text: string): Finding => ({ tone: 'warn', text });
