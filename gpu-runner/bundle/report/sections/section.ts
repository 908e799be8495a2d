import { html, type Markup } from '../markup.ts';

export const section = (
  id: string,
  title: string,
  content: readonly (Markup | false | undefined)[],
): Markup =>
  html`<section id="${id}" aria-labelledby="${id}-heading">
    <h2 id="${id}-heading">${title}</h2>
    ${content}
  </section>`;
