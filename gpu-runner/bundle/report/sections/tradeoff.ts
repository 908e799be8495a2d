import type { Report } from '../../../../shared/report.ts';
import * as format from '../format.ts';
import { html, type Markup } from '../markup.ts';
import { figure, folded, table } from '../table.ts';
import { tradeoffDrawing } from '../tradeoffDrawing.ts';
import { section } from './section.ts';

export function tradeoffSection({ tradeoff }: Report): Markup | undefined {
  if (!tradeoff || tradeoff.predicted.length + tradeoff.measured.length === 0) return undefined;
  const { predicted, measured, chosen } = tradeoff;
  const every = Math.max(1, Math.ceil(predicted.length / 24));
  return section('tradeoff', 'Loss against bytes', [
    html`<p class="soft">
      What sharing costs by the plan's own prediction, for every budget: a part of the variance of the
      answers, before retraining. What was measured stands beside it.
    </p>`,
    html`<div class="pair">
      ${figure(chosen ? 'The circle is what was chosen' : 'The curve of the plan', tradeoffDrawing(tradeoff))}
      <div>
        ${
          measured.length > 0 &&
          table(
            'Measured',
            ['Point', 'Bytes', 'Loss'],
            measured.map((point) => [point.label ?? '', format.bytes(point.bytes), format.loss(point.loss)]),
          )
        }
        ${
          predicted.length > 0 &&
          folded(
            'The prediction as a table',
            table(
              every > 1 ? `One of ${every} points` : 'Every point',
              ['Bytes', 'Loss'],
              predicted
                .filter((_, index) => index % every === 0 || index === predicted.length - 1)
                .map((point) => [format.bytes(point.bytes), format.loss(point.loss)]),
            ),
          )
        }
      </div>
    </div>`,
  ]);
}
