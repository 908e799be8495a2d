import type { Report, TaskReport } from '../../../../shared/report.ts';
import { mostConfused } from '../confusion.ts';
import { confusionDrawing } from '../confusionDrawing.ts';
import * as format from '../format.ts';
import { html, type Markup } from '../markup.ts';
import { figure, table } from '../table.ts';
import { section } from './section.ts';

const { grouped } = format;

export function confusionSection({ tasks, retraining }: Report): Markup | undefined {
  const shown = tasks.filter(({ confusion }) => confusion?.before ?? confusion?.after);
  // A report of a merge says why there is nothing to see; others may know of nothing at all.
  if (shown.length === 0 && !retraining) return undefined;
  return section('confusion', 'What is taken for what', [
    shown.length > 0 &&
      html`<p class="soft">
        Held-out samples of each true class (rows) by the answer they got (columns). The darker, the larger
        the share of the row; wrong answers in orange.
      </p>`,
    ...tasks.map((task, index) => (shown.includes(task) ? confusionOfTask(task, index) : notCounted(task))),
  ]);
}

const notCounted = ({ task, accuracy, agreement }: TaskReport): Markup =>
  html`<p class="soft">
    ${task} is not counted:
    ${accuracy ? `it has more than ${mostConfused} classes, too many to look at` : agreement ? 'its samples have no labels' : 'no samples are held out'}.
  </p>`;

function confusionOfTask({ task, labels, confusion = {} }: TaskReport, index: number): Markup {
  const drawn = (['before', 'after'] as const).flatMap((when) => {
    const counts = confusion[when];
    if (!counts) return [];
    const caption = when === 'before' ? 'Separate network' : 'This bundle';
    const title = `Confusion of ${task}, ${caption.toLowerCase()}`;
    return [
      figure(
        caption,
        confusionDrawing({
          id: `confusion-${index}-${when}`,
          title,
          counts,
          labels,
        }),
      ),
    ];
  });
  return html`<h3>${task}</h3>
    <div class="pair">${drawn}</div>
    ${mistakesTable(labels, confusion)}`;
}

/** The mistakes whose number differs most, or, with one matrix only, the most frequent ones. */
function mistakesTable(
  labels: readonly string[],
  { before, after }: NonNullable<TaskReport['confusion']>,
): Markup | undefined {
  const any = before ?? after ?? [];
  const name = (index: number): string => labels[index] ?? `class ${index}`;
  const mistakes = any
    .flatMap((row, truth) =>
      row.map((_, answer) => ({
        truth,
        answer,
        was: before?.[truth]?.[answer] ?? 0,
        now: after?.[truth]?.[answer] ?? 0,
      })),
    )
    .filter(({ truth, answer, was, now }) => truth !== answer && was + now > 0)
    .sort((a, b) => Math.abs(b.now - b.was) - Math.abs(a.now - a.was) || b.now + b.was - a.now - a.was)
    .slice(0, 6);
  if (mistakes.length === 0) return undefined;
  return table(
    before && after ? 'Mistakes that changed most' : 'Most frequent mistakes',
    ['True class', 'Answered as', ...(before ? ['Separate'] : []), ...(after ? ['This bundle'] : [])],
    mistakes.map(({ truth, answer, was, now }) => [
      name(truth),
      name(answer),
      ...(before ? [grouped(was)] : []),
      ...(after ? [grouped(now)] : []),
    ]),
  );
}
