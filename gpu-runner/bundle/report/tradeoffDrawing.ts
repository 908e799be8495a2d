import { curveStepAfter, line } from 'd3-shape';
import type { TradeoffReport } from '../../../shared/report.ts';
import { grid, linearAxis } from './axes.ts';
import { bytes, loss, quantity } from './format.ts';
import { html, px, type Markup } from './markup.ts';
import { drawingWidth, label, segment, svg, text } from './svg.ts';

const frame = { left: 52, right: drawingWidth - 12, top: 30, bottom: 236 };
/** Points of a curve that the eye can tell apart. */
const mostPoints = 400;

/** What sizes are drawn in: stored bytes, or multiply-adds where the plan saves those first. */
export function sizeAxis({ of, budgetBytes, budgetMacs }: TradeoffReport): {
  readonly name: string;
  readonly label: string;
  readonly show: (size: number) => string;
  readonly sizeOf: (point: Point) => number;
  readonly budget: number | undefined;
} {
  return of === 'macs'
    ? {
        ...{ name: 'multiply-adds', label: 'multiply-adds, all tasks', show: quantity, budget: budgetMacs },
        sizeOf: ({ macs = 0 }) => macs,
      }
    : {
        ...{ name: 'stored bytes', label: 'bytes stored', show: bytes, budget: budgetBytes },
        sizeOf: (point) => point.bytes,
      };
}

type Point = TradeoffReport['predicted'][number];

/** Predicted loss against size, what was measured, the budget and the point that was chosen. */
export function tradeoffDrawing(tradeoff: TradeoffReport): Markup {
  const { predicted, measured, chosen } = tradeoff;
  const { name, label: axisLabel, show, sizeOf, budget } = sizeAxis(tradeoff);
  const curve = [...predicted].sort((a, b) => sizeOf(a) - sizeOf(b));
  const all = [...curve, ...measured, ...(chosen ? [chosen] : [])];
  const sizes = [...all.map(sizeOf), ...(budget === undefined ? [] : [budget])];
  const losses = all.map((point) => point.loss);
  const x = linearAxis([Math.min(...sizes), Math.max(...sizes)], [frame.left, frame.right], { ticks: 4 });
  const y = linearAxis([Math.min(0, ...losses), Math.max(...losses)], [frame.bottom, frame.top]);
  const every = Math.max(1, Math.floor(curve.length / mostPoints));
  const drawn = curve.filter((_, index) => index % every === 0 || index === curve.length - 1);
  const path = line<(typeof curve)[number]>()
    .x((point) => Math.round(10 * x(sizeOf(point))) / 10)
    .y((point) => Math.round(10 * y(point.loss)) / 10)
    .curve(curveStepAfter)(drawn);
  const limit = budget === undefined ? undefined : x(budget);
  const limitAnchor = limit !== undefined && limit > (frame.left + frame.right) / 2 ? 'end' : 'start';
  return svg(
    {
      id: 'tradeoff',
      title: `Loss against ${name}`,
      description:
        `${curve.length} predicted and ${measured.length} measured points.` +
        (chosen ? ` Chosen: ${show(sizeOf(chosen))} at a loss of ${loss(chosen.loss)}.` : '') +
        (budget === undefined ? '' : ` The budget is ${show(budget)}.`),
      height: frame.bottom + 34,
    },
    [
      grid(
        frame,
        { axis: x, show, label: axisLabel },
        { axis: y, show: loss, label: `loss: line predicted${measured.length > 0 ? ', dots measured' : ''}` },
      ),
      ...(path ? [html`<path d="${path}" class="curve shared" />`] : []),
      ...(limit === undefined
        ? []
        : [
            segment(limit, frame.top, limit, frame.bottom, 'limit'),
            text(limit + (limitAnchor === 'end' ? -5 : 5), frame.top + 10, `budget ${show(budget ?? 0)}`, {
              anchor: limitAnchor,
              style: 'small',
            }),
          ]),
      ...measured.flatMap((point) => {
        const [left, top] = [x(sizeOf(point)), y(point.loss)];
        const isRight = left > (frame.left + frame.right) / 2;
        return [
          html`<circle cx="${px(left)}" cy="${px(top)}" r="4" class="fill accent" />`,
          ...(point.label === undefined || measured.length > 12
            ? []
            : [
                label(isRight ? left : left + 7, isRight ? top - 8 : top - 5, point.label, 18, {
                  anchor: isRight ? 'end' : 'start',
                  style: 'tick',
                }),
              ]),
        ];
      }),
      ...(chosen
        ? [html`<circle cx="${px(x(sizeOf(chosen)))}" cy="${px(y(chosen.loss))}" r="6" class="chosen" />`]
        : []),
    ],
  );
}
