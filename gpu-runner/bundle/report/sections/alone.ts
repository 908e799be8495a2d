/** A network that was packed by itself: there is nothing to compare it with. */
import type { Report } from '../../../../shared/report.ts';
import { grouped, percent } from '../format.ts';
import type { Markup } from '../markup.ts';
import { table } from '../table.ts';
import { compared, isMeasured, short, tileList, withInterval } from './figures.ts';
import { section } from './section.ts';

/** Whether a report tells of one network that is as it was: nothing made it, and no figure of it, which are known, has changed. */
export const isAlone = ({ tasks, recipe, retraining, figures }: Report): boolean =>
  tasks.length === 1 &&
  recipe === undefined &&
  retraining === undefined &&
  tasks.every(({ accuracy, agreement }) => !agreement && accuracy?.before === accuracy?.after) &&
  figures.parameters !== undefined &&
  Object.values(figures).every((one) => one?.separate === one?.zipped);

export const aloneTiles = ({ figures, tasks }: Report): Markup | undefined =>
  tileList([
    ...tasks.filter(isMeasured).map(({ accuracy: { after, samples } }) => ({
      ...{ label: 'accuracy', big: percent(after), small: `${grouped(samples)} samples` },
    })),
    ...compared.flatMap(({ key, show }) => {
      const [one, label] = [figures[key], short[key]];
      return one && label !== undefined ? [{ label, big: show(one.zipped), small: '' }] : [];
    }),
  ]);

export function aloneSection({ figures, tasks }: Report): Markup | undefined {
  const measured = tasks.filter(isMeasured);
  const rows = compared.flatMap(({ key, label, show }) => {
    const one = figures[key];
    return one ? [[label, show(one.zipped)]] : [];
  });
  if (measured.length + rows.length === 0) return undefined;
  return section('figures', 'Figures', [
    measured.length > 0 &&
      table(
        'Accuracy on held-out samples, with 95 % intervals (Wilson)',
        ['Task', 'Accuracy', 'Samples'],
        measured.map(({ task, accuracy: { after, samples } }) => [
          task,
          withInterval(after, samples),
          grouped(samples),
        ]),
      ),
    rows.length > 0 && table('What it takes', ['', 'This bundle'], rows),
  ]);
}
