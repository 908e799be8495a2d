import type { MergeReport } from '../../shared/merge-report.ts';
import { grouped, mega, percent, points } from '../runner/figures.ts';
import { textTable } from '../runner/textTable.ts';
import { bytes, duration } from './figures.ts';

/** A merge's report for people: the separate networks against the bundle, then what was shared. */
export function reportLines({ tasks, size, layers, retraining, parity, stages }: MergeReport): string[] {
  const change = ({ before, after }: { before: number; after: number }): string =>
    before === 0 ? '' : `x ${(after / before).toFixed(3)}`;
  const rows = tasks.map(({ task, accuracy }) =>
    accuracy
      ? [
          `accuracy "${task}", ${grouped(accuracy.samples)} held-out samples`,
          percent(accuracy.before),
          percent(accuracy.after),
          points(accuracy.after - accuracy.before),
        ]
      : [`accuracy "${task}": no samples are held out`, '', '', ''],
  );
  const { parameters, macs } = size;
  rows.push(
    ['parameters', grouped(parameters.before), grouped(parameters.after), change(parameters)],
    ['multiply-adds, all tasks on one input', mega(macs.before, 'M'), mega(macs.after, 'M'), change(macs)],
    ['bytes stored', bytes(size.bytes.before), bytes(size.bytes.after), change(size.bytes)],
  );
  return [
    ...textTable([['', 'separate', 'merged', 'merged against separate'], ...rows]),
    '',
    ...textTable([
      ['layer', 'shared', 'channels', 'predicted loss'],
      ...layers.map(({ layer, shared, widths, cost }) => [
        layer,
        grouped(shared),
        Object.values(widths).map(grouped).join(' and '),
        cost.toPrecision(3),
      ]),
    ]),
    '',
    `${grouped(retraining.steps)} steps of retraining; largest difference to the trained network ${parity.maxAbsDifference.toPrecision(2)}; ${duration(stages.reduce((sum, { ms }) => sum + ms, 0))}`,
  ];
}
