import { createHash } from 'node:crypto';
import type { Report } from '../../../shared/report.ts';
import * as format from './format.ts';
import { html, verbatim, type Markup } from './markup.ts';
import { confusionSection } from './sections/confusion.ts';
import { aloneSection, aloneTiles, isAlone } from './sections/alone.ts';
import { accuracySection, isMeasured, tiles } from './sections/figures.ts';
import { originSection } from './sections/origin.ts';
import { planSection } from './sections/plan.ts';
import { quantisationSection } from './sections/quantisation.ts';
import { retrainingSection } from './sections/retraining.ts';
import { tradeoffSection } from './sections/tradeoff.ts';
import { style } from './style.ts';

/** Scripts, images, fonts, frames and requests: none. One style sheet, known by its digest. */
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`;

/**
 * A report as one HTML page that needs nothing else: no script, no request, readable on a phone, in the dark and on
 * paper. Everything in it is escaped: labels and names come from strangers.
 *
 * Same report, same bytes.
 */
export function renderReport(report: Report): string {
  const { name, createdAt, tasks } = report;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${name}: Trunkline report</title>
        ${verbatim(`<style>${style}</style>`)}
      </head>
      <body>
        <main>
          <p class="over">Trunkline report, ${format.date(createdAt)}</p>
          <h1>${name}</h1>
          <p class="lead">${headline(report)}</p>
          ${isAlone(report) ? [aloneTiles(report), aloneSection(report)] : [tiles(report), accuracySection(report)]}
          ${planSection(report)} ${tradeoffSection(report)} ${retrainingSection(report)}
          ${confusionSection(report)} ${quantisationSection(report)} ${originSection(report)}
          <p class="soft">
            ${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}. The same as data: report.json.
          </p>
        </main>
      </body>
    </html> `;
  return String(page);
}

/** In one sentence. */
function headline(report: Report): Markup | string {
  const { tasks, figures } = report;
  if (isAlone(report)) return `A network for ${tasks[0]?.task ?? ''}, as it was trained.`;
  const names = tasks.map(({ task }) => task);
  const list =
    names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}` : (names[0] ?? '');
  const what = names.length > 1 ? `One network for ${list}` : `A network for ${list}`;
  const saved =
    figures.bytes && figures.bytes.separate > 0 ? figures.bytes.zipped / figures.bytes.separate : undefined;
  const measured = tasks.filter(isMeasured);
  const changes = measured.map(
    ({ task, accuracy }) => `${task} ${format.points(accuracy.after - accuracy.before)}`,
  );
  return [
    what,
    ...(saved === undefined ? [] : [`${format.percent(saved, 1)} of the bytes of separate ones`]),
    ...(changes.length > 0 && changes.length <= 4 ? [`accuracy: ${changes.join(', ')}`] : []),
  ]
    .join('; ')
    .concat('.');
}
