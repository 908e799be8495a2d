import { Hono } from 'hono';
import { outcomesRequest, type OutcomesReply } from '../../../shared/experiment-api.ts';
import { recordOutcomes } from '../../domain/record-outcomes.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { limitBody, readJson } from '../read-request.ts';

/** Bytes; a thousand outcomes of single requests take a fifth of it. */
const maxBodyBytes = 1_048_576;

export const outcomeRoutes = new Hono<ControlEnv>().post(
  '/',
  requireScope('outcome'),
  limitBody(maxBodyBytes),
  async (c) => {
    const request = await readJson(c, outcomesRequest);
    const outcomes = 'outcomes' in request ? request.outcomes : [request];
    const reply = await recordOutcomes(
      c.get('services').stores,
      c.get('caller').project,
      outcomes,
      c.get('change').at,
    );
    return c.json(reply satisfies OutcomesReply);
  },
);
