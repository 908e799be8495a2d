import { html, type Markup } from './markup.ts';

/**
 * A table: its first column names the rows.
 *
 * @param style `words` for text rather than numbers
 */
export const table = (
  caption: string,
  header: readonly string[],
  rows: readonly (readonly (string | Markup)[])[],
  style: '' | 'words' = '',
): Markup =>
  html`<div class="scroll">
    <table class="${style}">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${header.map((cell) => html`<th scope="col">${cell}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([first, ...cells]) =>
            html`<tr>
              <th scope="row">${first}</th>
              ${cells.map((cell) => html`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;

/** What not everybody wants to see at once. */
export const folded = (summary: string, content: Markup): Markup =>
  html`<details>
    <summary>${summary}</summary>
    ${content}
  </details>`;

export const figure = (caption: string, content: Markup): Markup =>
  html`<figure>
    <figcaption>${caption}</figcaption>
    ${content}
  </figure>`;
