import type { Comparison, Report } from '../../shared/report.ts';
import { grouped, mega, percent, points } from '../runner/figures.ts';
import { textTable } from '../runner/textTable.ts';
import { bytes, duration } from './figures.ts';

/** A merge's report for people: the separate networks against the bundle, then what was shared. */
export function reportLines(report: Report): string[] {
  const { tasks, figures, plan, retraining, environment, notes } = report;
  const rows = tasks.map(answersRow);
  const compare = (what: string, figure: Comparison | undefined, shown: (value: number) => string): void => {
    if (!figure) return;
    const { separate, zipped } = figure;
    const change = separate === 0 ? '' : `x ${(zipped / separate).toFixed(3)}`;
    rows.push([what, shown(separate), shown(zipped), change]);
  };
  compare('parameters', figures.parameters, grouped);
  compare('multiply-adds, all tasks on one input', figures.macs, (value) =>
    value < 1e6 ? grouped(value) : mega(value, 'M'),
  );
  compare('bytes stored', figures.bytes, bytes);
  compare('heap at the edge, estimated', figures.heapBytes, bytes);
  compare('one input and all tasks, here', figures.latencyMs, (value) => `${value.toPrecision(3)} ms`);
  const shared = plan.map((group) => ({
    ...group,
    shared: group.blocks
      .filter(({ tasks: by }) => by.length > 1)
      .reduce((sum, { channels }) => sum + channels, 0),
  }));
  return [
    ...textTable([['', 'separate', 'merged', 'merged against separate'], ...rows]),
    '',
    ...textTable([
      ['group', 'shared', 'channels', 'second-order loss'],
      ...shared.map(({ name, shared: channels, widths, cost }) => [
        name,
        grouped(channels),
        Object.values(widths).map(grouped).join(' and '),
        cost?.toPrecision(3) ?? '',
      ]),
    ]),
    '',
    ...(retraining?.events ?? []).map(({ message }) => message),
    ...notes,
    ...storageLines(report),
    `${grouped(retraining?.iterations ?? 0)} steps of retraining${environment?.seconds === undefined ? '' : `; ${duration(1000 * environment.seconds)}`}`,
  ];
}

/** How right a task's answers are; where nobody knows what is right, how many stayed as they were. */
function answersRow({ task, accuracy, agreement }: Report['tasks'][number]): string[] {
  if (accuracy)
    return [
      `accuracy "${task}", ${grouped(accuracy.samples)} held-out samples`,
      percent(accuracy.before),
      percent(accuracy.after),
      points(accuracy.after - accuracy.before),
    ];
  if (!agreement) return [`accuracy "${task}": no samples are held out`, '', '', ''];
  return [
    `accuracy "${task}": not measured, no labels; of ${grouped(agreement.samples)} answers stayed`,
    '',
    percent(agreement.share),
    '',
  ];
}

/** What the weights are stored as, and what stayed float32. */
function storageLines({ quantisation }: Report): string[] {
  if (!quantisation) return [];
  const { storage, quantised, excluded } = quantisation;
  const layers = quantised === undefined ? '' : `: ${grouped(quantised)} layers compute on integers`;
  return [
    `Stored as ${storage}${layers}${excluded.length > 0 ? '; left in float32:' : ''}`,
    ...excluded.map(({ part, layer, reason }) => `  ${layer} of ${part}: ${reason}`),
  ];
}
