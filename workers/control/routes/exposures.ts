import { Hono } from 'hono';
import type { ReplayReply } from '../../../shared/experiment-api.ts';
import { replayMessages } from '../../domain/count-messages.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';

export const exposureRoutes = new Hono<ControlEnv>()
  // Counts what was put away because it could not be counted. Again until `next` is null.
  .post('/replay', requireScope('write'), async (c) => {
    const { stores } = c.get('services');
    const reply = await replayMessages(stores, c.req.query('cursor'), c.get('change'));
    return c.json(reply satisfies ReplayReply);
  });
