import type { BatchItem } from 'drizzle-orm/batch';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';

/** D1 behind Drizzle. Several writes that belong together go through `batch`: D1 knows no interactive transactions. */
export type Database = DrizzleD1Database;

/** One part of a batch. */
export type Statement = BatchItem<'sqlite'>;

/**
 * Drizzle 0.45 binds the parameters of a batch to a prepared statement that its raw ones (`db.run(sql)`) lack: here they
 * have it.
 */
export function openDatabase(d1: D1Database): Database {
  const db = drizzle(d1);
  const run = db.run.bind(db);
  db.run = (query) => {
    const statement = run(query);
    return Object.defineProperty(statement, 'stmt', { get: () => d1.prepare(statement.getQuery().sql) });
  };
  return db;
}

/** Whether the error says that a row with the same key is there already. */
export const isDuplicate = (error: unknown): boolean => says(error, 'UNIQUE constraint failed');

/** Whether the error says that what a new row refers to is not there, or that a row cannot go while others refer to it. */
export const isMissingReference = (error: unknown): boolean =>
  says(error, 'FOREIGN KEY constraint failed') || says(error, 'NOT NULL constraint failed');

function says(error: unknown, text: string): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes(text)) return true;
  }
  return false;
}
