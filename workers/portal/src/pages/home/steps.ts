/** How much of each there is, as far as the first pages of the lists tell. */
export interface Stock {
  readonly models: number;
  readonly datasets: number;
  readonly bundles: number;
  readonly endpoints: number;
  /** Merges that wait or are at work. */
  readonly merging: number;
}

export type StepState = 'done' | 'now' | 'later';

export interface Step {
  readonly id: 'bring' | 'merge' | 'serve';
  readonly state: StepState;
}

/** The three steps to a served bundle: the first that is not done is the one to take now. */
export function stepsOf({ models, datasets, bundles, endpoints }: Stock): readonly Step[] {
  const done = {
    // Two networks of different tasks, and something to judge them on.
    bring: models >= 2 && datasets >= 1,
    merge: bundles >= 1,
    serve: bundles >= 1 && endpoints >= 1,
  };
  const ids = ['bring', 'merge', 'serve'] as const;
  const next = ids.find((id) => !done[id]);
  return ids.map((id) => ({ id, state: done[id] ? 'done' : id === next ? 'now' : 'later' }));
}
