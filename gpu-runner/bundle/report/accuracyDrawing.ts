import type { TaskReport } from '../../../shared/report.ts';
import { linearAxis } from './axes.ts';
import { percent } from './format.ts';
import { html, px, type Markup } from './markup.ts';
import { drawingWidth, label, segment, svg, taskStyle, text } from './svg.ts';
import { wilsonInterval, type Interval } from './wilson.ts';

/** A task whose accuracy was measured. */
export type MeasuredTask = TaskReport & { readonly accuracy: NonNullable<TaskReport['accuracy']> };

/** The interval of a share that was measured on so many samples. */
export const intervalOf = (share: number, samples: number): Interval =>
  wilsonInterval(Math.round(share * samples), samples);

const left = 104;
const rowHeight = 44;

/** Accuracy of each task before and after, as dots with their intervals. */
export function accuracyDrawing(tasks: readonly MeasuredTask[], indexOf: (task: string) => number): Markup {
  const ends = tasks.flatMap(({ accuracy: { before, after, samples } }) =>
    [before, after].map((share) => intervalOf(share, samples)),
  );
  const low = Math.min(...ends.map((end) => end.low));
  const high = Math.max(...ends.map((end) => end.high));
  const axis = linearAxis([low, high], [left, drawingWidth - 14]);
  const bottom = 26 + tasks.length * rowHeight;
  const step = (axis.ticks[1] ?? 1) - (axis.ticks[0] ?? 0);
  const most = step >= 0.01 ? 0 : step >= 0.001 ? 1 : 2;
  const row = ({ task, accuracy }: MeasuredTask, index: number): Markup[] => {
    const y = 26 + index * rowHeight;
    const style = taskStyle(indexOf(task));
    const dot = (share: number, at: number, kind: string): Markup => {
      const { low: from, high: to } = intervalOf(share, accuracy.samples);
      return html`${segment(axis(from), at, axis(to), at, `whisker ${style}`)}
        <circle cx="${px(axis(share))}" cy="${px(at)}" r="4.5" class="${kind} ${style}" />`;
    };
    return [
      label(0, y + 22, task, 17, { style: 'small' }),
      dot(accuracy.before, y + 11, 'hollow'),
      dot(accuracy.after, y + 25, 'fill'),
    ];
  };
  return svg(
    {
      id: 'accuracy',
      title: 'Accuracy of each task before and after, with 95 % intervals',
      description: tasks
        .map(
          ({ task, accuracy }) =>
            `${task}: ${percent(accuracy.before)} before, ${percent(accuracy.after)} after.`,
        )
        .join(' '),
      height: bottom + 22,
    },
    [
      html`<circle cx="${px(left + 4)}" cy="9" r="4" class="hollow neutral" />`,
      text(left + 13, 13, 'separate network', { style: 'small' }),
      html`<circle cx="${px(left + 130)}" cy="9" r="4" class="fill neutral" />`,
      text(left + 139, 13, 'this bundle', { style: 'small' }),
      ...axis.ticks.flatMap((value) => [
        segment(axis(value), 24, axis(value), bottom, 'grid'),
        text(axis(value), bottom + 14, percent(value, most), { anchor: 'middle', style: 'tick' }),
      ]),
      ...tasks.flatMap(row),
    ],
  );
}
