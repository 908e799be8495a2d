import type { Budget } from '../../shared/recipe.ts';
import { grouped, percent } from '../runner/figures.ts';
import { textTable } from '../runner/textTable.ts';
import { bytes } from './figures.ts';
import type { MergePlan, PlannedGroup } from './planMerge.ts';

/** Points of a curve that are shown. */
const shownPoints = 10;
/** Groups that are told before a merge begins. */
const toldGroups = 30;

/**
 * A plan for people.
 *
 * @param explain with every network's widths, what each group costs, the curve, and what stays apart
 */
export function planLines(plan: MergePlan, explain: boolean): string[] {
  const { groups, loss, notes, floors, measured } = plan;
  return [
    ...groupTable(groups, explain),
    '',
    ...totalsTable(plan),
    '',
    runLine(plan),
    ...(loss === null
      ? []
      : [`Predicted loss: ${loss.toPrecision(3)} of the variance of the answers, before retraining.`]),
    ...measured,
    ...(floors
      ? ['Floors are held while merging: a layer that breaks one is undone, and shares less than said here.']
      : []),
    ...(explain ? curveLines(plan) : []),
    ...(explain && notes.length > 0 ? ['', 'What stays apart', ...notes.map((note) => `  ${note}`)] : []),
  ];
}

/** A plan that a merge is about to follow, in a few lines. */
export function planSummary({ groups, budget, size, separate, loss }: MergePlan): string[] {
  const open = groups.filter(({ reason }) => reason === null);
  const widest = Math.max(...open.slice(0, toldGroups).map(({ group }) => group.length));
  const saved = (['parameters', 'macs'] as const).map(
    (what) =>
      `${percent(size[what] / Math.max(1, separate[what]))} of the ${what === 'macs' ? 'multiply-adds' : what}`,
  );
  return [
    `Plan${budget ? ` for ${budgetWords(budget)}` : ''}: ${saved.join(', ')} of the separate networks are left${loss === null ? '' : `; predicted loss ${loss.toPrecision(3)}`}`,
    ...open
      .slice(0, toldGroups)
      .map(
        ({ group, shared, widths }) =>
          `  ${group.padEnd(widest)}  ${grouped(shared)} of ${Object.values(widths).map(grouped).join(' and ')} channels shared`,
      ),
    ...(open.length > toldGroups ? [`  and ${open.length - toldGroups} groups more`] : []),
  ];
}

function budgetWords(budget: Budget): string {
  switch (budget.of) {
    case 'parameters':
    case 'macs':
      return `at most ${percent(budget.atMost)} of the ${budget.of === 'macs' ? 'multiply-adds' : 'parameters'}`;
    case 'bytes':
      return `at most ${bytes(budget.atMostBytes)} of weights`;
    case 'heap':
      return `at most ${bytes(budget.atMostBytes)} of heap at the edge`;
    default:
      return budget satisfies never;
  }
}

/** Fewer where what is wired to read the shared channels reads fewer of them. */
const signedBytes = (count: number): string => `${count < 0 ? '-' : '+'}${bytes(Math.abs(count))}`;

function groupTable(groups: readonly PlannedGroup[], explain: boolean): string[] {
  const tasks = Object.keys(groups[0]?.widths ?? {});
  const isPredicted = groups.some(({ marginal }) => marginal !== null);
  const marginalCells = ({ marginal }: PlannedGroup): string[] =>
    marginal
      ? [`-${grouped(marginal.channels)}`, marginal.loss.toPrecision(3), signedBytes(marginal.bytes)]
      : ['', '', ''];
  const rows = groups.map((one) => {
    const { group, widths, shared, reason } = one;
    const narrowest = Math.min(...Object.values(widths));
    return [
      group,
      explain && reason !== null ? reason : '',
      ...(explain ? tasks.map((task) => grouped(widths[task] ?? 0)) : []),
      grouped(shared),
      narrowest === 0 ? '' : percent(shared / narrowest),
      ...(explain ? [bytes(one.bytes.separate), bytes(one.bytes.merged)] : []),
      ...(explain && isPredicted ? marginalCells(one) : []),
    ];
  });
  const header = [
    ...['group', ''],
    ...(explain ? tasks : []),
    ...['shared', 'of the narrowest'],
    ...(explain ? ['bytes separate', 'merged'] : []),
    ...(explain && isPredicted ? ['channels fewer', 'would save of loss', 'for bytes'] : []),
  ];
  return textTable([header, ...rows], 2);
}

function totalsTable({ separate, size, bytes: stored, heapBytes, heads, storage }: MergePlan): string[] {
  const row = (
    what: string,
    one: { readonly separate: number; readonly merged: number },
    shown: (value: number) => string,
  ): string[] => [
    what,
    shown(one.separate),
    shown(one.merged),
    percent(1 - one.merged / Math.max(1, one.separate)),
  ];
  const of = (what: 'parameters' | 'macs') => ({ separate: separate[what], merged: size[what] });
  return [
    ...textTable([
      ['', 'separate', 'merged', 'saved'],
      row('parameters', of('parameters'), grouped),
      row(storage === 'float32' ? 'bytes of weights' : `bytes of weights, as ${storage}`, stored, bytes),
      row('multiply-adds, all tasks on one input', of('macs'), grouped),
      row('heap at the edge, estimated', heapBytes, bytes),
    ]),
    ...(heads.parameters + heads.macs === 0
      ? []
      : [
          `Of each of the two, ${grouped(heads.parameters)} parameters and ${grouped(heads.macs)} multiply-adds stay whole in the heads.`,
        ]),
  ];
}

/** What of it runs once for all tasks. */
function runLine({ wiring, runOnce: { layers, of }, ownNorm }: MergePlan): string {
  const reads =
    wiring === 'crossed'
      ? 'shared channels read those of every task'
      : 'shared channels read shared ones only';
  const once =
    layers.length === 0
      ? 'so each task runs through all layers'
      : `what ${layers.length} of ${of} layers share runs once for all tasks`;
  const why =
    ownNorm !== null && wiring !== 'crossed'
      ? `, up to ${ownNorm}, the first batch normalisation that each task keeps for itself`
      : '';
  return `Wired ${wiring}: ${reads}; ${once}${why}.`;
}

/** Predicted loss against size, at points spread over the whole curve, the plan's own among them. */
function curveLines({ curve, size, separate, loss }: MergePlan): string[] {
  if (curve.length === 0) return ['Add --data to see what sharing less would cost and save.'];
  const last = curve.length - 1;
  const chosen = curve.findIndex(
    (point) => point.parameters === size.parameters && point.macs === size.macs && point.loss === loss,
  );
  const spread = Array.from({ length: shownPoints }, (_, index) =>
    Math.round((index * last) / (shownPoints - 1)),
  );
  const shown = [...new Set(chosen < 0 ? spread : [...spread, chosen])].sort((a, b) => a - b);
  const most = Math.max(...curve.map((point) => point.loss), Number.MIN_VALUE);
  const rows = shown.flatMap((index) => {
    const point = curve[index];
    if (!point) return [];
    return [
      [
        index === chosen ? 'this plan' : '',
        percent(point.parameters / Math.max(1, separate.parameters)),
        grouped(point.macs),
        point.loss.toPrecision(3),
        '#'.repeat(Math.round((30 * point.loss) / most)).padEnd(30),
      ],
    ];
  });
  return ['', ...textTable([['', 'parameters', 'multiply-adds', 'predicted loss', ''], ...rows])];
}
