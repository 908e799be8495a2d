import { grouped, percent } from './format.ts';
import { html, px, type Markup } from './markup.ts';
import { drawingWidth, label, svg, text } from './svg.ts';

/** Matrices up to this size name their classes, those up to `numbered` show their counts. */
const named = 24;
const numbered = 12;

export interface ConfusionDrawing {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** A row each true label, a column each answer. */
  readonly counts: readonly (readonly number[])[];
  readonly labels: readonly string[];
}

/** A confusion matrix: the darker, the larger the share of its row; right answers green, wrong ones orange. */
export function confusionDrawing({ id, title, counts, labels }: ConfusionDrawing): Markup {
  const size = counts.length;
  const isNamed = size <= named && labels.length === size;
  const longest = isNamed ? Math.min(13, Math.max(...labels.map((one) => one.length))) : 0;
  const left = isNamed ? 24 + 6.4 * longest : 22;
  const top = isNamed && longest > 3 ? 26 + 5 * longest : 34;
  const cell = (drawingWidth - left - 4) / size;
  const marks: Markup[] = [];
  for (const [row, answers] of counts.entries()) {
    const samples = answers.reduce((sum, one) => sum + one, 0);
    for (const [column, count] of answers.entries()) {
      if (count === 0) continue;
      const share = count / samples;
      // The root: a hundredth of a row is still seen.
      const opacity = Math.max(0.04, Math.round(100 * Math.sqrt(share)) / 100);
      const [x, y] = [left + column * cell, top + row * cell];
      marks.push(
        html`<rect
          x="${px(x)}"
          y="${px(y)}"
          width="${px(cell)}"
          height="${px(cell)}"
          fill-opacity="${opacity}"
          class="fill ${row === column ? 'shared' : 'wrong'}"
          >${isNamed ? html`<title>${labels[row]} answered as ${labels[column]}: ${count}</title>` : ''}</rect
        >`,
      );
      if (size <= numbered)
        marks.push(
          text(x + cell / 2, y + cell / 2 + 3.5, grouped(count), {
            anchor: 'middle',
            style: `tick${opacity > 0.6 ? ' on-colour' : ''}`,
          }),
        );
    }
  }
  const bottom = top + size * cell;
  const names = isNamed
    ? labels.flatMap((name, index) => {
        const x = left + (index + 0.5) * cell;
        return [
          label(left - 5, top + (index + 0.5) * cell + 3.5, name, 13, { anchor: 'end', style: 'tick' }),
          longest > 3
            ? html`<g transform="translate(${px(x + 3)} ${px(top - 5)}) rotate(-50)"
                >${label(0, 0, name, 13, { style: 'tick' })}</g
              >`
            : text(x, top - 6, name, { anchor: 'middle', style: 'tick' }),
        ];
      })
    : [];
  const right = counts.reduce((sum, row, index) => sum + (row[index] ?? 0), 0);
  const all = counts.reduce((sum, row) => sum + row.reduce((total, one) => total + one, 0), 0);
  return svg(
    {
      id,
      title,
      description: `${size} classes, ${grouped(right)} of ${grouped(all)} samples answered right (${percent(right / (all || 1))}).`,
      height: bottom + 4,
    },
    [
      text(left, 10, 'answered as', { style: 'small' }),
      html`<g transform="translate(9 ${px(bottom)}) rotate(-90)"
        >${text(0, 0, 'true class', { style: 'small' })}</g
      >`,
      ...marks,
      html`<rect
        x="${px(left)}"
        y="${px(top)}"
        width="${px(size * cell)}"
        height="${px(size * cell)}"
        class="frame"
      />`,
      ...names,
    ],
  );
}
