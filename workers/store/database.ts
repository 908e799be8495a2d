import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';

/** D1 behind Drizzle. Several writes that belong together go through `batch`: D1 knows no interactive transactions. */
export type Database = DrizzleD1Database;

export const openDatabase = (d1: D1Database): Database => drizzle(d1);

/** Whether the error says that a row with the same key is there already. */
export function isDuplicate(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes('UNIQUE constraint failed')) return true;
  }
  return false;
}
