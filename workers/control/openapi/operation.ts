import type { ErrorCode } from '../../../shared/errors.ts';
import type { Scope } from '../../../shared/keys.ts';
import type { ReplyName, RequestName } from './schemas.ts';

/** One route as the documentation tells it, and as the test of who may do what asks it. */
export interface Operation {
  method: 'get' | 'put' | 'post' | 'delete';
  /** With `{name}` where the address varies. */
  path: string;
  /** One of these is needed; empty: no key at all. */
  scopes: readonly Scope[];
  summary: string;
  query?: readonly QueryName[];
  headers?: readonly HeaderName[];
  /** Raw bytes, or JSON of this shape. */
  body?: RequestName | 'bytes';
  /** By status. */
  replies: Readonly<Record<number, Reply>>;
  /** Beyond those that every route with a key, and every route with a body, answers. */
  errors?: readonly ErrorCode[];
}

/** What comes back: nothing, JSON of a shape, or something else of a content type. */
export type Reply = { says: string } & (
  { schema?: ReplyName; type?: never } | { type: string; schema?: never }
);

export const queries = {
  cursor: 'The `next` of the page before.',
  q: 'Keeps names and tags that contain it.',
  state: 'Keeps jobs in this state.',
  kind: 'Keeps jobs of this kind.',
  owner: 'Keeps what this key or person asked for.',
  from: 'Tells what came since; rounded down to the resolution.',
  to: 'Tells what came before; now, when left out.',
  resolution: 'How long a point is; days are those of UTC. "hour", when left out.',
} as const;
export type QueryName = keyof typeof queries;

export const headers = {
  'If-Match':
    'The ETag of what the change was made from; it is refused when that is not what is there any more.',
  'Idempotency-Key': 'The same again, with the same body, answers the same job.',
  'Last-Event-ID': 'The last event that was received: those after it are sent.',
  Range: 'Part of the content, `bytes=a-b`.',
} as const;
export type HeaderName = keyof typeof headers;

export interface OperationGroup {
  name: string;
  says: string;
  operations: readonly Operation[];
}

export const json = (schema: ReplyName, says = 'It is so now.'): Reply => ({ says, schema });
export const nothing = (says: string): Reply => ({ says });
