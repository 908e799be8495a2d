/** How much of each there is, as far as the first pages of the lists tell. */
export interface Stock {
  readonly models: number;
  readonly datasets: number;
  readonly bundles: number;
  readonly endpoints: number;
  /** Merges that wait or are at work. */
  readonly merging: number;
  /** Merges that ended well. */
  readonly merged: number;
  /** Endpoints that answer several tasks from one bundle: those of separate networks are no end of the way. */
  readonly servingMerged: number;
}

export type StepState = 'done' | 'now' | 'later';

export interface Step {
  readonly id: 'bring' | 'merge' | 'serve';
  readonly state: StepState;
}

/** The three steps to a served bundle: the first that is not done is the one to take now. */
export function stepsOf({ models, datasets, merged, servingMerged }: Stock): readonly Step[] {
  const done = {
    // Two networks of different tasks, and something to judge them on.
    bring: models >= 2 && datasets >= 1,
    // Published from elsewhere it was merged elsewhere.
    merge: merged >= 1 || servingMerged >= 1,
    serve: servingMerged >= 1,
  };
  const ids = ['bring', 'merge', 'serve'] as const;
  const next = ids.find((id) => !done[id]);
  return ids.map((id) => ({ id, state: done[id] ? 'done' : id === next ? 'now' : 'later' }));
}

/** Whether one bundle answers several of an endpoint's tasks. @param tasks bundles by task */
export function servesMerged(tasks: Readonly<Record<string, string>>): boolean {
  const bundles = Object.values(tasks);
  return new Set(bundles).size < bundles.length;
}
