import type { Report, TaskReport } from '../../../../shared/report.ts';
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
    tasks.some(({ source }) => source) && sourcesTable(tasks),
    unzipped.length > 0 &&
      table(
        'What was not zipped',
        ['What', 'Why'],
        unzipped.map(({ what, reason, task }) => [task === undefined ? what : `${what} of ${task}`, reason]),
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

/** The networks and their data; columns of which nothing is known are left out. */
function sourcesTable(tasks: readonly TaskReport[]): Markup {
  const sources = tasks.flatMap(({ task, source, samples }) => (source ? [{ task, source, samples }] : []));
  const number = (value: number | undefined): string => (value === undefined ? '' : grouped(value));
  const columns: readonly [head: string, cell: (one: (typeof sources)[number]) => string][] = [
    ['Trained on', ({ source }) => source.dataset ?? ''],
    ['Steps', ({ source }) => number(source.iterations)],
    ['Samples', ({ samples }) => number(samples?.train)],
    ['Held out', ({ samples }) => number(samples?.validation)],
  ];
  const known = columns.filter(([, cell]) => sources.some((one) => cell(one) !== ''));
  return table(
    'Source networks',
    ['Task', 'Network', ...known.map(([head]) => head), 'SHA-256'],
    sources.map((one) => [
      one.task,
      one.source.name,
      ...known.map(([, cell]) => cell(one)),
      html`<code>${one.source.sha256?.slice(0, 16) ?? ''}</code>`,
    ]),
    'words',
  );
}
