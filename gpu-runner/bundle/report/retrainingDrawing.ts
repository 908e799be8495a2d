import { curveLinear, line } from 'd3-shape';
import type { RetrainingReport } from '../../../shared/report.ts';
import { grid, linearAxis, logAxis, type Axis, type Frame } from './axes.ts';
import { grouped, loss, percent } from './format.ts';
import { html, px, type Markup } from './markup.ts';
import { drawingWidth, label, legend, rect, segment, svg, taskStyle, text } from './svg.ts';

const sides = { left: 52, right: drawingWidth - 12 };
/** Points of a line that the eye can tell apart. */
const mostPoints = 240;

interface Point {
  readonly step: number;
  readonly value: number;
}

/**
 * Losses of every task over the steps of retraining, stages told apart by their background.
 *
 * @param of which samples the losses are of
 */
export function lossDrawing(
  { history, events }: Pick<RetrainingReport, 'history' | 'events'>,
  tasks: readonly string[],
  of: 'training' | 'validation' = 'training',
): Markup {
  const lines = tasks.map((task) => ({
    task,
    points: thinned(
      history.flatMap(({ step, losses }) => {
        const value = losses[task];
        return value !== undefined && Number.isFinite(value) ? [{ step, value }] : [];
      }),
    ),
  }));
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const isWide = low > 0 && high / low > 30;
  return over(of === 'training' ? 'losses' : 'validation-losses', lines, tasks, {
    stages: stagesOf(history),
    title: of === 'training' ? 'Losses while retraining' : 'Losses on validation samples while retraining',
    label: isWide ? 'loss, on a logarithmic axis' : 'loss',
    show: loss,
    axis: (range) => (isWide ? logAxis([low, high], range) : linearAxis([Math.min(0, low), high], range)),
    marks: events,
    isDotted: false,
    floors: {},
  });
}

/** Accuracy on validation samples after each stage, and the floors that it must not fall below. */
export function validationDrawing(
  { validation, floors, events }: RetrainingReport,
  tasks: readonly string[],
): Markup {
  const lines = tasks.map((task) => ({
    task,
    points: validation.flatMap(({ step, accuracy }) => {
      const value = accuracy[task];
      return value === undefined ? [] : [{ step, value }];
    }),
  }));
  const values = [
    ...lines.flatMap(({ points }) => points.map(({ value }) => value)),
    ...Object.values(floors),
  ];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const most = high - low < 0.02 ? 1 : 0;
  return over('validation', lines, tasks, {
    stages: stagesOf(validation),
    title: 'Validation accuracy while retraining',
    label: 'accuracy on validation samples',
    show: (value) => percent(value, most),
    axis: (range) => linearAxis([low, high], range),
    marks: events,
    isDotted: true,
    floors,
  });
}

interface Style {
  readonly stages: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  readonly title: string;
  readonly label: string;
  readonly show: (value: number) => string;
  readonly axis: (range: [number, number]) => Axis;
  readonly marks: RetrainingReport['events'];
  readonly isDotted: boolean;
  readonly floors: Readonly<Record<string, number>>;
}

function over(
  id: string,
  lines: readonly { readonly task: string; readonly points: readonly Point[] }[],
  tasks: readonly string[],
  style: Style,
): Markup {
  const shown = lines.filter(({ points }) => points.length > 0);
  const keys = legend(
    shown.map(({ task }) => ({ name: task, style: taskStyle(tasks.indexOf(task)) })),
    0,
    12,
  );
  const top = keys.height + 34;
  const frame: Frame = { ...sides, top, bottom: top + 170 };
  const steps = shown.flatMap(({ points }) => points.map(({ step }) => step));
  const last = Math.max(...steps, ...style.stages.map(({ to }) => to), 1);
  const x = linearAxis([0, last], [frame.left, frame.right], { isExact: true });
  const y = style.axis([frame.bottom, frame.top]);
  const path = line<Point>()
    .x(({ step }) => Math.round(10 * x(step)) / 10)
    .y(({ value }) => Math.round(10 * y(value)) / 10)
    .curve(curveLinear);
  return svg(
    { id, title: style.title, description: describe(shown, style.show), height: frame.bottom + 34 },
    [
      ...keys.marks,
      ...style.stages.flatMap(({ name, from, to }, index) => {
        const [start, end] = [x(from), x(to)];
        const room = Math.floor((end - start) / 6.2);
        return [
          rect(
            start,
            frame.top,
            Math.max(end - start, 0),
            frame.bottom - frame.top,
            index % 2 === 0 ? 'stage' : 'no-fill',
          ),
          ...(room >= 4 ? [label(start + 3, frame.top + 10, name, room, { style: 'tick' })] : []),
        ];
      }),
      grid(
        frame,
        { axis: x, show: grouped, label: 'optimiser steps' },
        { axis: y, show: style.show, label: style.label },
      ),
      ...Object.entries(style.floors).map(([task, floor]) =>
        segment(frame.left, y(floor), frame.right, y(floor), `floor ${taskStyle(tasks.indexOf(task))}`),
      ),
      ...shown.flatMap(({ task, points }) => {
        const colour = taskStyle(tasks.indexOf(task));
        const dots = style.isDotted
          ? points.map(
              ({ step, value }) =>
                html`<circle cx="${px(x(step))}" cy="${px(y(value))}" r="3.2" class="fill ${colour}" />`,
            )
          : [];
        return [html`<path d="${path(points) ?? ''}" class="curve ${colour}" />`, ...dots];
      }),
      ...style.marks.flatMap(({ step, kind, message }) =>
        step === undefined || kind === 'note'
          ? []
          : [
              html`<g>
                ${segment(x(step), frame.top, x(step), frame.bottom, 'limit')}
                ${text(x(step), frame.bottom - 4, kind, { anchor: x(step) > drawingWidth / 2 ? 'end' : 'start', style: 'tick' })}
                <title>${message}</title>
              </g>`,
            ],
      ),
    ],
  );
}

/** Where each stage begins and ends, in the order they ran. */
function stagesOf(
  points: readonly { readonly step: number; readonly stage?: string | undefined }[],
): Style['stages'] {
  const stages: { name: string; from: number; to: number }[] = [];
  let before = 0;
  for (const { step, stage } of points) {
    if (stage === undefined) continue;
    const current = stages.at(-1);
    if (current?.name === stage) current.to = step;
    else stages.push({ name: stage, from: before, to: step });
    before = step;
  }
  return stages;
}

/** Means of neighbours, as many as can be seen. */
function thinned(points: readonly Point[]): Point[] {
  const size = Math.ceil(points.length / mostPoints);
  if (size <= 1) return [...points];
  const means: Point[] = [];
  for (let start = 0; start < points.length; start += size) {
    const part = points.slice(start, start + size);
    const mean = (pick: (point: Point) => number): number =>
      part.reduce((sum, point) => sum + pick(point), 0) / part.length;
    means.push({ step: mean(({ step }) => step), value: mean(({ value }) => value) });
  }
  return means;
}

const describe = (
  lines: readonly { readonly task: string; readonly points: readonly Point[] }[],
  show: (value: number) => string,
): string =>
  lines
    .map(
      ({ task, points }) =>
        `${task}: from ${show(points[0]?.value ?? 0)} to ${show(points.at(-1)?.value ?? 0)} in ${points.at(-1)?.step.toFixed(0) ?? 0} steps.`,
    )
    .join(' ');
