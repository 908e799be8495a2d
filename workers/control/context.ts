import type { Caller } from '../domain/caller.ts';
import type { Change } from '../domain/change.ts';
import type { Env } from './env.ts';
import type { Services } from './services.ts';

/** What Hono carries from the middleware to the routes. */
export interface ControlEnv {
  Bindings: Env;
  Variables: { requestId: string; services: Services; caller: Caller; change: Change };
}
