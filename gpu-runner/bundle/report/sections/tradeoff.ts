import type { Report } from '../../../../shared/report.ts';
import * as format from '../format.ts';
import { html, type Markup } from '../markup.ts';
import { figure, folded, table } from '../table.ts';
import { sizeAxis, tradeoffDrawing } from '../tradeoffDrawing.ts';
import { section } from './section.ts';

export function tradeoffSection({ tradeoff }: Report): Markup | undefined {
  if (!tradeoff || tradeoff.predicted.length + tradeoff.measured.length === 0) return undefined;
  const { predicted, measured, chosen } = tradeoff;
  const { show, sizeOf } = sizeAxis(tradeoff);
  const [heading, column] =
    tradeoff.of === 'macs'
      ? ['Loss against multiply-adds', 'Multiply-adds']
      : ['Loss against bytes', 'Bytes'];
  const every = Math.max(1, Math.ceil(predicted.length / 24));
  return section('tradeoff', heading, [
    html`<p class="soft">
      What sharing costs by the plan's own prediction, for every budget: a part of the variance of the
      answers, before retraining.
      ${measured.length > 0 && 'Beside it stands what was measured on held-out samples: how far answers are from the separate networks\u2019, on the same scale.'}
    </p>`,
    html`<div class="pair">
      ${figure(chosen ? 'The circle is what was chosen' : 'The curve of the plan', tradeoffDrawing(tradeoff))}
      <div>
        ${
          measured.length > 0 &&
          table(
            'Measured',
            ['Point', column, 'Loss'],
            measured.map((point) => [point.label ?? '', show(sizeOf(point)), format.loss(point.loss)]),
          )
        }
        ${
          predicted.length > 0 &&
          folded(
            'The prediction as a table',
            table(
              every > 1 ? `One of ${every} points` : 'Every point',
              [column, 'Loss'],
              predicted
                .filter((_, index) => index % every === 0 || index === predicted.length - 1)
                .map((point) => [show(sizeOf(point)), format.loss(point.loss)]),
            ),
          )
        }
      </div>
    </div>`,
  ]);
}
