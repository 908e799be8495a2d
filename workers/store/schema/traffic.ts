import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { LatencyHistogram } from '../../../shared/latency-histogram.ts';
import type { TrafficCount } from '../../../shared/traffic-message.ts';

/** Requests of endpoints, added up twice: by the minute for a look at now, by the hour for what was. */
export const traffic = sqliteTable(
  'traffic',
  {
    project: text().notNull(),
    endpoint: text().notNull(),
    resolution: text().$type<'minute' | 'hour'>().notNull(),
    /** When it begins. */
    at: text().notNull(),
    samples: integer().notNull(),
    errors: text({ mode: 'json' }).$type<TrafficCount['errors']>().notNull(),
    latency: text({ mode: 'json' }).$type<LatencyHistogram>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.project, table.endpoint, table.resolution, table.at] }),
    index('traffic_age').on(table.resolution, table.at),
  ],
);

/** Messages that were counted, so that none is counted twice. Their ids are in order of time. */
export const trafficMessages = sqliteTable('traffic_messages', { id: text().primaryKey() });
