/** When, where and how something was measured. */
export interface Run {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly command: string;
  /** Of the machine when the run began: other programs were at work above 1. */
  readonly load: number;
}

/** The same as far as it was kept: of what was done before that was, the date only. */
export type Provenance = Pick<Run, 'date'> & Partial<Run>;

/** Options that say where files lie on the machine: no part of what is measured. */
const places = ['--cache', '--results'];

/** What was called, without the {@link places} on this machine. */
export function commandOf(script: string, args: readonly string[]): string {
  const told = args.filter(
    (arg, index) =>
      !places.includes(arg) &&
      !places.includes(args[index - 1] ?? '') &&
      !places.some((place) => arg.startsWith(`${place}=`)),
  );
  return ['npm run', script, ...(told.length > 0 ? ['--', ...told] : [])].join(' ');
}

/** The last of some. */
export const latest = (all: readonly (Provenance | undefined)[]): Provenance | undefined =>
  all.reduce((last, each) => (each && (!last || each.date >= last.date) ? each : last), undefined);
