import { UsageError, type CommandContext } from './context.ts';

/**
 * When something that is made here is said to be made: now, or SOURCE_DATE_EPOCH (seconds since 1970), by which the same
 * merge is the same bundle to the last byte. Specification: reproducible-builds.org/specs/source-date-epoch.
 *
 * @throws {UsageError} when the variable holds something else
 */
export function sourceDate(env: CommandContext['env']): Date {
  const given = env.SOURCE_DATE_EPOCH;
  if (given === undefined || given === '') return new Date();
  const date = new Date(1000 * Number(given));
  if (/^\d+$/.test(given) && !Number.isNaN(date.getTime())) return date;
  throw new UsageError(`SOURCE_DATE_EPOCH is "${given}": it should be whole seconds since 1970`);
}
