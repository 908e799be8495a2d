import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { z } from 'zod';
import { TrunklineError } from '../../shared/errors.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import type { ControlEnv } from './context.ts';

/** Refuses bodies over `maxBytes` before they are in memory, those sent without a length too. */
export const limitBody = (maxBytes: number): MiddlewareHandler<ControlEnv> =>
  bodyLimit({
    maxSize: maxBytes,
    onError: (c) => {
      throw new TrunklineError(
        'too-large',
        `Cannot ${c.req.method} ${c.req.path}: the body is larger than ${maxBytes} bytes.`,
      );
    },
  });

/** The body as JSON in the shape of the schema. */
export async function readJson<T>(c: Context<ControlEnv>, schema: z.ZodType<T>): Promise<T> {
  let value: unknown;
  try {
    value = await c.req.json();
  } catch (cause) {
    throw new TrunklineError('invalid', `Cannot ${c.req.method} ${c.req.path}: the body is not JSON.`, {
      cause,
    });
  }
  return check(c, schema, value, 'the body');
}

/** A part of the request's address (or a header) in the shape of the schema; `what` names it in the refusal. */
export function check<T>(c: Context<ControlEnv>, schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TrunklineError(
    'invalid',
    `Cannot ${c.req.method} ${c.req.path}: ${what} is wrong: ${explainIssues(parsed.error)}.`,
  );
}

/** `?cursor=` where it counts rows: the `next` of the page before. */
export function numberCursor(c: Context<ControlEnv>): number | undefined {
  const cursor = c.req.query('cursor');
  if (cursor === undefined) return undefined;
  if (!/^\d{1,15}$/.test(cursor)) {
    throw new TrunklineError('invalid', `Cannot list from cursor "${cursor}": it is not a number.`);
  }
  return Number(cursor);
}
