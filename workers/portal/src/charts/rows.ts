// What charts draw, one row each.

/** Channels that are shared together: how many by all, and how many each task keeps. */
export interface GroupBar {
  readonly name: string;
  /** By as many tasks as `tasks` says; those of one task are its own. */
  readonly blocks: readonly { readonly tasks: readonly string[]; readonly channels: number }[];
  /** Why nothing is shared; null when something could be. */
  readonly reason: string | null;
}

/** A difference with its interval, and the margin beyond which it counts as worse. */
export interface IntervalRow {
  readonly label: string;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly margin: number;
  readonly tone: 'good' | 'bad' | 'neutral';
}
