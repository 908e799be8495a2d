import { curveStepAfter, line } from 'd3-shape';
import type { TradeoffReport } from '../../../shared/report.ts';
import { grid, linearAxis } from './axes.ts';
import { bytes, loss } from './format.ts';
import { html, px, type Markup } from './markup.ts';
import { drawingWidth, label, segment, svg, text } from './svg.ts';

const frame = { left: 52, right: drawingWidth - 12, top: 30, bottom: 236 };
/** Points of a curve that the eye can tell apart. */
const mostPoints = 400;

/** Predicted loss against stored bytes, what was measured, the budget and the point that was chosen. */
export function tradeoffDrawing({ predicted, measured, budgetBytes, chosen }: TradeoffReport): Markup {
  const curve = [...predicted].sort((a, b) => a.bytes - b.bytes);
  const all = [...curve, ...measured, ...(chosen ? [chosen] : [])];
  const sizes = [...all.map((point) => point.bytes), ...(budgetBytes === undefined ? [] : [budgetBytes])];
  const losses = all.map((point) => point.loss);
  const x = linearAxis([Math.min(...sizes), Math.max(...sizes)], [frame.left, frame.right], { ticks: 4 });
  const y = linearAxis([Math.min(0, ...losses), Math.max(...losses)], [frame.bottom, frame.top]);
  const every = Math.max(1, Math.floor(curve.length / mostPoints));
  const drawn = curve.filter((_, index) => index % every === 0 || index === curve.length - 1);
  const path = line<(typeof curve)[number]>()
    .x((point) => Math.round(10 * x(point.bytes)) / 10)
    .y((point) => Math.round(10 * y(point.loss)) / 10)
    .curve(curveStepAfter)(drawn);
  const limit = budgetBytes === undefined ? undefined : x(budgetBytes);
  const limitAnchor = limit !== undefined && limit > (frame.left + frame.right) / 2 ? 'end' : 'start';
  return svg(
    {
      id: 'tradeoff',
      title: 'Loss against stored bytes',
      description:
        `${curve.length} predicted and ${measured.length} measured points.` +
        (chosen ? ` Chosen: ${bytes(chosen.bytes)} at a loss of ${loss(chosen.loss)}.` : '') +
        (budgetBytes === undefined ? '' : ` The budget is ${bytes(budgetBytes)}.`),
      height: frame.bottom + 34,
    },
    [
      grid(
        frame,
        { axis: x, show: bytes, label: 'bytes stored' },
        { axis: y, show: loss, label: 'loss: line predicted, dots measured' },
      ),
      ...(path ? [html`<path d="${path}" class="curve shared" />`] : []),
      ...(limit === undefined
        ? []
        : [
            segment(limit, frame.top, limit, frame.bottom, 'limit'),
            text(
              limit + (limitAnchor === 'end' ? -5 : 5),
              frame.top + 10,
              `budget ${bytes(budgetBytes ?? 0)}`,
              {
                anchor: limitAnchor,
                style: 'small',
              },
            ),
          ]),
      ...measured.flatMap((point) => {
        const [left, top] = [x(point.bytes), y(point.loss)];
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
        ? [html`<circle cx="${px(x(chosen.bytes))}" cy="${px(y(chosen.loss))}" r="6" class="chosen" />`]
        : []),
    ],
  );
}
