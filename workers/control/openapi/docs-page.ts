import { html, raw } from 'hono/html';
import { errorStatus } from '../../../shared/errors.ts';
import { openApiDocument } from './document.ts';
import { headers, queries, type Operation, type OperationGroup } from './operation.ts';
import { operationGroups } from './operations.ts';

// The documentation as one page: no scripts, no fonts, nothing from anywhere else.

const style = raw(`
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
  h2 { margin-top: 3rem } section > p { margin-top: 0 }
  details { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: .5rem 0 }
  summary { cursor: pointer; display: flex; gap: .75rem; flex-wrap: wrap }
  code, pre { font: .875rem/1.5 ui-monospace, monospace } pre { overflow: auto; max-height: 30rem; padding: .75rem;
    background: color-mix(in srgb, currentColor 6%, transparent) }
  .method { font-weight: 700; width: 4rem } .says { opacity: .75 } dt { margin-top: .5rem } dd { margin: 0 0 0 1.5rem }
  nav { columns: 12rem } nav a { display: block }
`);

export const docsPage = () =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Trunkline control API</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <h1>Trunkline control API</h1>
        <p>
          Send a key as <code>Authorization: Bearer tl_...</code> or <code>X-API-Key</code>. Each route says
          which scope it takes. A refusal is <code>{"error": {"code", "message"}}</code>; the message says
          what cannot be done and why.
          <a href="/openapi.json">OpenAPI 3.1</a>
        </p>
        <nav>${operationGroups.map(({ name }) => html`<a href="#${anchor(name)}">${name}</a>`)}</nav>
        ${operationGroups.map(group)}
        <h2 id="errors">Refusals</h2>
        <dl>
          ${Object.entries(errorStatus).map(
            ([code, status]) =>
              html`<dt><code>${code}</code></dt>
                <dd>status ${status}</dd>`,
          )}
        </dl>
        <h2>Shapes</h2>
        ${Object.entries(schemas()).map(
          ([name, schema]) =>
            html`<details id="${name}">
              <summary><code>${name}</code></summary>
              <pre>${JSON.stringify(schema, null, 2)}</pre>
            </details>`,
        )}
      </body>
    </html>`;

const anchor = (name: string): string => name.toLowerCase().replaceAll(/\W+/g, '-');

const schemas = (): Record<string, unknown> =>
  (openApiDocument() as { components: { schemas: Record<string, unknown> } }).components.schemas;

const group = ({ name, says, operations }: OperationGroup) =>
  html`<section>
    <h2 id="${anchor(name)}">${name}</h2>
    <p>${says}</p>
    ${operations.map(operation)}
  </section>`;

const shape = (name: string) => html`<a href="#${name}"><code>${name}</code></a>`;

const operation = (one: Operation) =>
  html`<details>
    <summary>
      <span class="method">${one.method.toUpperCase()}</span><code>${one.path}</code
      ><span class="says">${one.summary}</span>
    </summary>
    <dl>
      ${
        one.scopes.length === 0
          ? html`<dt>Needs no key</dt>`
          : html`<dt>Scope</dt>
              <dd>${one.scopes.join(' or ')}</dd>`
      }
      ${(one.query ?? []).map(
        (name) =>
          html`<dt><code>?${name}=</code></dt>
            <dd>${queries[name]}</dd>`,
      )}
      ${(one.headers ?? []).map(
        (name) =>
          html`<dt><code>${name}</code></dt>
            <dd>${headers[name]}</dd>`,
      )}
      ${
        one.body === undefined
          ? ''
          : html`<dt>Body</dt>
              <dd>${one.body === 'bytes' ? 'the bytes' : shape(one.body)}</dd>`
      }
      ${Object.entries(one.replies).map(
        ([status, reply]) =>
          html`<dt>${status}</dt>
            <dd>${reply.says} ${reply.schema === undefined ? (reply.type ?? '') : shape(reply.schema)}</dd>`,
      )}
      ${
        (one.errors ?? []).length === 0
          ? ''
          : html`<dt>Refusals</dt>
              <dd>${(one.errors ?? []).join(', ')}</dd>`
      }
    </dl>
  </details>`;
