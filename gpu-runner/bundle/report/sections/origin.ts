import type { Report } from '../../../../shared/report.ts';
import * as format from '../format.ts';
import { html, type Markup } from '../markup.ts';
import { folded, table } from '../table.ts';
import { section } from './section.ts';

const { grouped } = format;

export function originSection({ tasks, recipe, unzipped, notes, environment }: Report): Markup | undefined {
  const isKnown = tasks.some(({ source }) => source) || recipe !== undefined || environment !== undefined;
  if (!isKnown && unzipped.length + notes.length === 0) return undefined;
  const versions = Object.entries(environment?.versions ?? {});
  return section('origin', 'Where it comes from', [
    tasks.some(({ source }) => source) &&
      table(
        'Source networks',
        ['Task', 'Network', 'Trained on', 'Steps', 'SHA-256'],
        tasks.flatMap(({ task, source }) =>
          source
            ? [
                [
                  task,
                  source.name,
                  source.dataset ?? '',
                  source.iterations === undefined ? '' : grouped(source.iterations),
                  html`<code>${source.sha256?.slice(0, 16) ?? ''}</code>`,
                ],
              ]
            : [],
        ),
        'words',
      ),
    unzipped.length > 0 &&
      table(
        'What was not zipped',
        ['What', 'Why'],
        unzipped.map(({ what, reason }) => [what, reason]),
        'words',
      ),
    notes.length > 0 &&
      html`<ul>
        ${notes.map((note) => html`<li>${note}</li>`)}
      </ul>`,
    recipe !== undefined && folded('The recipe', html`<pre>${JSON.stringify(recipe, null, 2)}</pre>`),
    environment &&
      html`<p class="soft">
        ${environment.machine !== undefined && `Made on ${environment.machine}`}${environment.seconds !== undefined && ` in ${format.duration(environment.seconds)}`}.
        ${versions.map(([of, version]) => `${of} ${version}`).join(', ')}
      </p>`,
  ]);
}
