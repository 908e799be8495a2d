import type { Report } from '../../../../shared/report.ts';
import * as format from '../format.ts';
import { html, type Markup } from '../markup.ts';
import { lossDrawing, validationDrawing } from '../retrainingDrawing.ts';
import { figure, folded, table } from '../table.ts';
import { section } from './section.ts';

const { grouped, percent } = format;

export function retrainingSection({ retraining, tasks }: Report): Markup | undefined {
  if (!retraining) return undefined;
  const names = tasks.map(({ task }) => task);
  const { history, validation, validationLosses = [], events, iterations, seconds, floors } = retraining;
  const floorNames = Object.keys(floors);
  return section('retraining', 'Retraining', [
    html`<p class="soft">
      ${grouped(iterations)} optimiser steps${seconds !== undefined && ` in ${format.duration(seconds)}`}.
      ${floorNames.length > 0 && `Floors: ${floorNames.map((task) => `${task} ${percent(floors[task] ?? 0)}`).join(', ')}.`}
    </p>`,
    html`<div class="pair">
      ${
        history.length > 1 &&
        html`<div>
          ${figure('Losses', lossDrawing(retraining, names))}
          ${folded('As a table', table('First and last losses of each stage', ['Stage', 'Step', ...names], lossRows(history, names)))}
        </div>`
      }
      ${validationLosses.length > 0 && figure('Losses on validation samples', lossDrawing({ ...retraining, history: validationLosses }, names, 'validation'))}
      ${
        validation.length > 0 &&
        html`<div>
          ${figure(floorNames.length > 0 ? 'Validation accuracy, floors dashed' : 'Validation accuracy', validationDrawing(retraining, names))}
          ${folded(
            'As a table',
            table(
              'Validation accuracy',
              ['After', 'Step', ...names],
              validation.map(({ step, stage, accuracy }) => [
                stage ?? '',
                grouped(step),
                ...names.map((task) => (accuracy[task] === undefined ? '' : percent(accuracy[task]))),
              ]),
            ),
          )}
        </div>`
      }
    </div>`,
    events.length > 0 &&
      table(
        'What did not go as planned',
        ['Step', 'What', 'Why'],
        events.map(({ step, kind, message }) => [step === undefined ? '' : grouped(step), kind, message]),
        'words',
      ),
  ]);
}

/** Where a stage begins and where it ends. */
const lossRows = (
  history: NonNullable<Report['retraining']>['history'],
  names: readonly string[],
): string[][] =>
  history
    .filter(({ stage }, index) => stage !== history[index - 1]?.stage || stage !== history[index + 1]?.stage)
    .slice(0, 200)
    .map(({ step, stage, losses }) => [
      stage ?? '',
      grouped(step),
      ...names.map((task) => (losses[task] === undefined ? '' : format.loss(losses[task]))),
    ]);
