import { z } from 'zod';
import { errorStatus, type ErrorCode } from '../../../shared/errors.ts';
import { jobKinds, jobStates } from '../../../shared/jobs.ts';
import { resolutions } from '../../../shared/traffic.ts';
import { headers, queries, type Operation, type QueryName, type Reply } from './operation.ts';
import { operationGroups } from './operations.ts';
import { replySchemas, requestSchemas } from './schemas.ts';

// The API as OpenAPI 3.1, made from the schemas that validate. The table of routes stands beside the routes instead of in
// them, so that they stay plain Hono; tests hold that it has each of them, with the scope that it really asks for.

type Json = Record<string, unknown>;

/** As in package.json. */
const version = '0.1.0';

const ref = (place: string, name: string): Json => ({ $ref: `#/components/${place}/${name}` });

/** JSON Schemas under the names of the table; what one uses of another is a reference. */
function componentsOf(schemas: Readonly<Record<string, z.ZodType>>, io: 'input' | 'output'): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const { schemas: made } = z.toJSONSchema(registry, {
    io,
    unrepresentable: 'any',
    uri: (id) => `#/components/schemas/${id}`,
  });
  // Where a schema came from and which draft it is of is said once, by the document around it.
  const inner = ([key]: [string, unknown]): boolean => key !== '$schema' && key !== '$id';
  return Object.fromEntries(
    Object.entries(made).map(([id, schema]) => [
      id,
      Object.fromEntries(Object.entries(schema).filter(inner)),
    ]),
  );
}

const knownValues: Partial<Record<QueryName, Json>> = {
  state: { type: 'string', enum: jobStates },
  kind: { type: 'string', enum: jobKinds },
  from: { type: 'string', format: 'date-time' },
  to: { type: 'string', format: 'date-time' },
  resolution: { type: 'string', enum: Object.keys(resolutions), default: 'hour' },
};

function parametersOf({ path, query = [], headers: sent = [] }: Operation): Json[] {
  const text = { type: 'string' };
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: text },
  }));
  const inQuery = query.map((name) => ({
    ...{ name, in: 'query', description: queries[name], schema: knownValues[name] ?? text },
  }));
  const inHeaders = sent.map((name) => ({ name, in: 'header', description: headers[name], schema: text }));
  return [...inPath, ...inQuery, ...inHeaders];
}

function contentOf({ schema, type }: Reply): Json {
  if (schema !== undefined) return { content: { 'application/json': { schema: ref('schemas', schema) } } };
  if (type === undefined) return {};
  return { content: { [type]: { schema: type === 'application/octet-stream' ? {} : { type: 'string' } } } };
}

/** Refusals every such route can answer with, before its own. */
function errorsOf({ scopes, body, errors = [] }: Operation): ErrorCode[] {
  const common: ErrorCode[] =
    scopes.length === 0 ? [] : ['unauthenticated', 'forbidden', 'rate-limited', 'internal'];
  return [
    ...new Set([...common, ...(body === undefined ? [] : (['invalid', 'too-large'] as const)), ...errors]),
  ];
}

function responsesOf(operation: Operation): Json {
  const replies = Object.entries(operation.replies).map(([status, reply]) => [
    status,
    { description: reply.says, ...contentOf(reply) },
  ]);
  const refusals = errorsOf(operation).map((code) => [String(errorStatus[code]), ref('responses', code)]);
  return Object.fromEntries([...refusals, ...replies]) as Json;
}

function describe(operation: Operation, tag: string): Json {
  const { method, path, scopes, summary, body } = operation;
  const parameters = parametersOf(operation);
  return {
    operationId:
      `${method}${path.replaceAll(/[^A-Za-z0-9]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`.replaceAll(
        /\W/g,
        '',
      ),
    tags: [tag],
    summary,
    ...(scopes.length === 0
      ? { security: [] }
      : { description: `Needs a key with scope ${scopes.map((scope) => `\`${scope}\``).join(' or ')}.` }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content:
              body === 'bytes'
                ? { 'application/octet-stream': {} }
                : { 'application/json': { schema: ref('schemas', body) } },
          },
        }),
    responses: responsesOf(operation),
  };
}

function pathsOf(): Json {
  const paths: Record<string, Json> = {};
  for (const { name, operations } of operationGroups) {
    for (const operation of operations) {
      (paths[operation.path] ??= {})[operation.method] = describe(operation, name);
    }
  }
  return paths;
}

let made: Json | undefined;

/** The document; made once, since nothing in it changes. */
export function openApiDocument(): Json {
  made ??= {
    openapi: '3.1.1',
    info: {
      title: 'Trunkline control API',
      version,
      description:
        'Registers models and data sets, merges them by jobs that runners do, and says what the edge serves. Lists come in pages: `next` is the `cursor` of the page after. Times are ISO 8601 in UTC.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: operationGroups.map(({ name, says }) => ({ name, description: says })),
    paths: pathsOf(),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, `tl_<id>_<secret>`.' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      responses: Object.fromEntries(
        Object.keys(errorStatus).map((code) => [
          code,
          {
            description: `Refused: \`${code}\`.`,
            content: { 'application/json': { schema: ref('schemas', 'Error') } },
          },
        ]),
      ),
      schemas: { ...componentsOf(requestSchemas, 'input'), ...componentsOf(replySchemas, 'output') },
    },
  };
  return made;
}
