import { html as escaped, raw } from 'hono/html';

/** HTML or SVG that is safe to place: what went into it was escaped. */
export type Markup = { readonly isEscaped: true } & string;

/**
 * Text between tags: every value placed in it is escaped, except markup. Arrays are joined; null, undefined and false
 * are nothing.
 */
export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): Markup {
  const made = escaped(strings, ...values);
  if (made instanceof Promise) throw new TypeError('Cannot place a promise in markup: await it before');
  return made;
}

/** Text of our own that is placed as it is. */
export const verbatim = (text: string): Markup => raw(text);

/** A number in an SVG attribute: two decimals are a fiftieth of a pixel. */
export const px = (value: number): string => String(Math.round(value * 100) / 100);
