import type { Comparison, Report, TaskReport } from '../../../../shared/report.ts';
import { accuracyDrawing, intervalOf, type MeasuredTask } from '../accuracyDrawing.ts';
import * as format from '../format.ts';
import { html, type Markup } from '../markup.ts';
import { figure, folded, table } from '../table.ts';
import { section } from './section.ts';

const { grouped, percent, points } = format;

export const isMeasured = (task: TaskReport): task is MeasuredTask => task.accuracy !== undefined;

/** What is compared, in the order of importance, and how it is written. */
export const compared: readonly {
  readonly key: keyof Report['figures'];
  readonly label: string;
  readonly show: (value: number) => string;
}[] = [
  { key: 'bytes', label: 'Bytes stored', show: format.bytes },
  { key: 'macs', label: 'Multiply-adds, all tasks on one sample', show: format.quantity },
  { key: 'parameters', label: 'Parameters', show: format.quantity },
  { key: 'latencyMs', label: 'ONNX Runtime Web, the same', show: format.milliseconds },
  { key: 'heapBytes', label: 'ONNX Runtime Web heap', show: format.mebibytes },
  { key: 'iterations', label: 'Optimiser steps', show: grouped },
];

/** What a tile calls it; the rest has none. */
export const short: Partial<Record<keyof Report['figures'], string>> = {
  bytes: 'bytes stored',
  macs: 'multiply-adds',
  latencyMs: 'latency',
  heapBytes: 'heap',
};

const ratio = ({ separate, zipped }: Comparison): string =>
  separate > 0 ? format.factor(zipped / separate) : '';

/** The figures that sum it up, against the separate networks. */
export function tiles({ figures, tasks }: Report): Markup | undefined {
  const measured = tasks.filter(isMeasured);
  const mean =
    measured.reduce((sum, { accuracy }) => sum + accuracy.after - accuracy.before, 0) /
    (measured.length || 1);
  const entries = [
    ...(measured.length > 0
      ? [{ label: 'accuracy, mean change', big: points(mean), small: `${measured.length} tasks` }]
      : []),
    ...compared.flatMap(({ key, show }) => {
      const [one, name] = [figures[key], short[key]];
      if (!one || name === undefined || one.separate <= 0) return [];
      return [{ label: name, big: ratio(one), small: `${show(one.zipped)}, was ${show(one.separate)}` }];
    }),
  ];
  return tileList(entries);
}

export function tileList(
  entries: readonly { readonly label: string; readonly big: string; readonly small: string }[],
): Markup | undefined {
  if (entries.length === 0) return undefined;
  return html`<dl class="tiles">
    ${entries.map(
      ({ label, big, small }) =>
        html`<div>
          <dt>${label}</dt>
          <dd>${big}</dd>
          ${small !== '' && html`<dd>${small}</dd>`}
        </div>`,
    )}
  </dl>`;
}

export function accuracySection({ tasks, figures }: Report): Markup | undefined {
  const measured = tasks.filter(isMeasured);
  const rows = compared.flatMap(({ key, label, show }) => {
    const one = figures[key];
    return one ? [[label, show(one.separate), show(one.zipped), ratio(one)]] : [];
  });
  const unlabelled = tasks.flatMap(({ task, accuracy, agreement }) =>
    agreement && !accuracy ? [[task, percent(agreement.share), grouped(agreement.samples)]] : [],
  );
  if (measured.length + rows.length + unlabelled.length === 0) return undefined;
  const names = tasks.map(({ task }) => task);
  const alone = tasks.flatMap(({ task, macs }) =>
    macs ? [[task, format.quantity(macs.separate), format.quantity(macs.zipped), ratio(macs)]] : [],
  );
  return section('figures', 'Against the separate networks', [
    html`<div class="pair">
      ${
        measured.length > 0 &&
        figure(
          'Accuracy on held-out samples. Lines are 95 % intervals (Wilson).',
          accuracyDrawing(measured, (task) => names.indexOf(task)),
        )
      }
      ${rows.length > 0 && table('What it takes', ['', 'Separate', 'This bundle', 'Ratio'], rows)}
    </div>`,
    measured.length > 0 &&
      table(
        'Accuracy, with 95 % intervals',
        ['Task', 'Separate', 'This bundle', 'Change', 'Samples'],
        measured.map(({ task, accuracy: { before, after, samples } }) => [
          task,
          withInterval(before, samples),
          withInterval(after, samples),
          points(after - before),
          grouped(samples),
        ]),
      ),
    unlabelled.length > 0 &&
      table(
        'Accuracy not measured, for want of labels: answers that stayed as they were',
        ['Task', 'Share', 'Samples'],
        unlabelled,
      ),
    alone.length > 0 &&
      folded(
        'Multiply-adds of one task alone',
        table('One task on one sample', ['Task', 'Separate', 'This bundle', 'Ratio'], alone),
      ),
  ]);
}

/** A share with its 95 % interval. */
export function withInterval(share: number, samples: number): Markup {
  const { low, high } = intervalOf(share, samples);
  return html`${percent(share)}
    <span class="soft">[${percent(low).slice(0, -2)}, ${percent(high).slice(0, -2)}]</span>`;
}
