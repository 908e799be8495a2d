import type { Report } from '../../../../shared/report.ts';
import * as format from '../format.ts';
import { html, type Markup } from '../markup.ts';
import { table } from '../table.ts';
import { section } from './section.ts';

const { grouped, percent, points } = format;

export function quantisationSection({ quantisation }: Report): Markup | undefined {
  if (!quantisation) return undefined;
  const { storage, method, calibrationSamples, quantised, excluded, error, accuracy, bytes } = quantisation;
  const facts = [
    `Weights are stored as ${storage}.`,
    ...(bytes
      ? [
          `${format.bytes(bytes.stored)} in place of ${format.bytes(bytes.float32)} (${format.factor(bytes.stored / bytes.float32)}).`,
        ]
      : []),
    ...(quantised === undefined
      ? []
      : [`${quantised} layers compute on integers, ${excluded.length} on float32.`]),
    ...(method === undefined ? [] : [`Ranges: ${method}.`]),
    ...(calibrationSamples === undefined ? [] : [`Calibrated on ${grouped(calibrationSamples)} samples.`]),
  ];
  return section('quantisation', 'Quantisation', [
    html`<p class="soft">${facts.join(' ')}</p>`,
    Object.keys(error).length > 0 &&
      table(
        'Against the same bundle in float32',
        ['Task', 'Relative error', 'Largest difference', 'Same answer', 'Accuracy', 'Change'],
        Object.entries(error).map(([task, one]) => {
          const right = accuracy[task];
          return [
            task,
            percent(one.relative),
            format.loss(one.maxAbs),
            percent(one.agreement),
            right ? percent(right.after) : '',
            right ? points(right.after - right.before) : '',
          ];
        }),
      ),
    excluded.length > 0 &&
      table(
        'Left in float32',
        ['Layer', 'Part', 'Why'],
        excluded.map(({ layer, part, reason }) => [layer, part, reason]),
        'words',
      ),
  ]);
}
