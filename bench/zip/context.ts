import type { Jobs } from './jobs.ts';
import type { Tasks } from './tasks.ts';

/** What all rows of the benchmark work with. */
export interface Context {
  readonly jobs: Pick<Jobs, 'run'>;
  readonly tasks: Pick<Tasks, 'data'>;
  readonly threads: number;
  /** How often what is cheap is done, each time with other sources. */
  readonly repeats: number;
  /** A fiftieth of the steps, 500 held-out samples, no choices: shows that everything runs, measures nothing. */
  readonly quick: boolean;
  readonly log: (line: string) => void;
}
