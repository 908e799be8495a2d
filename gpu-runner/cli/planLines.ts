import { grouped, percent } from '../runner/figures.ts';
import { textTable } from '../runner/textTable.ts';
import type { MergePlan } from './planMerge.ts';

/** Points of a curve that are shown. */
const shownPoints = 10;

/** A plan for people. @param explain with every network's widths, the curve, and what stays apart */
export function planLines(
  { wiring, groups, size, separate, loss, curve, notes, measured }: MergePlan,
  explain: boolean,
): string[] {
  const tasks = Object.keys(groups[0]?.widths ?? {});
  const rows = groups.map(({ group, widths, shared, reason }) => {
    const narrowest = Math.min(...Object.values(widths));
    return [
      group,
      explain && reason !== null ? reason : '',
      ...(explain ? tasks.map((task) => grouped(widths[task] ?? 0)) : []),
      grouped(shared),
      narrowest === 0 ? '' : percent(shared / narrowest),
    ];
  });
  const header = ['group', '', ...(explain ? tasks : []), 'shared', 'of the narrowest'];
  const totals = (['parameters', 'macs'] as const).map((what) => [
    what === 'macs' ? 'multiply-adds, all tasks on one input' : what,
    grouped(separate[what]),
    grouped(size[what]),
    percent(1 - size[what] / Math.max(1, separate[what])),
  ]);
  return [
    ...textTable([header, ...rows], 2),
    '',
    ...textTable([['', 'separate', 'merged', 'saved'], ...totals]),
    '',
    wiring === 'crossed'
      ? 'Wired crossed: shared channels read those of every task, so each task runs through all layers.'
      : `Wired ${wiring}: shared channels read shared ones only, so what is shared runs once for all tasks.`,
    ...(loss === null
      ? []
      : [`Predicted loss: ${loss.toPrecision(3)} of the variance of the answers, before retraining.`]),
    ...measured,
    ...(explain ? curveLines(curve, separate.parameters) : []),
    ...(explain && notes.length > 0 ? ['', 'What stays apart', ...notes.map((note) => `  ${note}`)] : []),
  ];
}

/** Predicted loss against size, at points spread over the whole curve. */
function curveLines(curve: MergePlan['curve'], separate: number): string[] {
  if (curve.length === 0) return ['Add --data to see what sharing less would cost and save.'];
  const last = curve.length - 1;
  const shown = new Set(
    Array.from({ length: shownPoints }, (_, index) => Math.round((index * last) / (shownPoints - 1))),
  );
  const most = Math.max(...curve.map(({ loss }) => loss), Number.MIN_VALUE);
  const rows = [...shown].flatMap((index) => {
    const point = curve[index];
    if (!point) return [];
    return [
      [
        percent(point.parameters / Math.max(1, separate)),
        grouped(point.macs),
        point.loss.toPrecision(3),
        '#'.repeat(Math.round((30 * point.loss) / most)).padEnd(30),
      ],
    ];
  });
  return ['', ...textTable([['parameters', 'multiply-adds', 'predicted loss', ''], ...rows])];
}
