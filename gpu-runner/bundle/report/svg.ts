import { html, px, type Markup } from './markup.ts';
import { shortened } from './format.ts';

/** What every drawing is wide in its own units; on the page it is as wide as its column. */
export const drawingWidth = 440;

export interface Drawing {
  /** Unique in the page. */
  readonly id: string;
  /** What it shows, for those who do not see it. */
  readonly title: string;
  /** What there is to see in it. */
  readonly description: string;
  readonly height: number;
  readonly width?: number;
}

/** A drawing with a title and a description that screen readers tell. */
export const svg = (
  { id, title, description, height, width = drawingWidth }: Drawing,
  content: readonly Markup[],
): Markup =>
  html`<svg
    viewBox="0 0 ${px(width)} ${px(height)}"
    role="img"
    aria-labelledby="${id}-title ${id}-desc"
    xmlns="http://www.w3.org/2000/svg"
  >
    <title id="${id}-title">${title}</title>
    <desc id="${id}-desc">${description}</desc>
    ${content}
  </svg>`;

export const text = (
  x: number,
  y: number,
  content: string,
  { anchor = 'start', style = '' }: { anchor?: 'start' | 'middle' | 'end'; style?: string } = {},
): Markup => html`<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" class="${style}">${content}</text>`;

export const rect = (x: number, y: number, width: number, height: number, style: string): Markup =>
  html`<rect x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" class="${style}" />`;

export const segment = (x1: number, y1: number, x2: number, y2: number, style: string): Markup =>
  html`<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" class="${style}" />`;

/** A text that is cut to length and tells all of it when pointed at. */
export const label = (
  x: number,
  y: number,
  content: string,
  most: number,
  options: { anchor?: 'start' | 'middle' | 'end'; style?: string } = {},
): Markup => {
  const { anchor = 'start', style = '' } = options;
  if (content.length <= most) return text(x, y, content, options);
  return html`<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" class="${style}"
    >${shortened(content, most)}<title>${content}</title></text
  >`;
};

/** The class that colours a task: there are eight colours. */
export const taskStyle = (index: number): string => `t${index % 8}`;

/** Names beside their colours, in lines that fit the width. */
export function legend(
  entries: readonly { readonly name: string; readonly style: string }[],
  x: number,
  y: number,
  width = drawingWidth,
): { readonly marks: Markup[]; readonly height: number } {
  const marks: Markup[] = [];
  let [left, top] = [x, y];
  for (const { name, style } of entries) {
    const shown = shortened(name, 24);
    const size = 18 + 6.8 * shown.length;
    if (left + size > width && left > x) [left, top] = [x, top + 16];
    marks.push(rect(left, top - 8, 9, 9, `fill ${style}`), text(left + 13, top, shown, { style: 'small' }));
    left += size + 6;
  }
  return { marks, height: top - y + 16 };
}
