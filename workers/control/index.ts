import { app } from './app.ts';
import { consume } from './consume.ts';
import type { Env } from './env.ts';
import { runSchedule } from './schedule.ts';

export default {
  fetch: app.fetch,
  queue: consume,
  scheduled: ({ scheduledTime }, env) => runSchedule(env, new Date(scheduledTime)),
} satisfies ExportedHandler<Env>;
