import { experiment, type Experiment, type ExperimentInput } from '../../shared/experiment.ts';

export const digest = (letter: string): string => letter.repeat(64);

/** A running experiment: two tasks served by one merged bundle against two separate ones. */
export function experimentOf(change: Partial<ExperimentInput> = {}): Experiment {
  return experiment.parse({
    experiment: 'merged-or-not',
    endpoint: 'vision',
    revision: 1,
    version: 1,
    state: 'running',
    unit: { from: 'header', name: 'x-unit' },
    layer: null,
    coverage: 1,
    arms: [
      { name: 'separate', weight: 5000, tasks: { digit: digest('a'), clothing: digest('b') } },
      { name: 'merged', weight: 5000, tasks: { digit: digest('c'), clothing: digest('c') } },
    ],
    defaultArm: 'separate',
    shadow: null,
    margins: { digit: 0.02, clothing: 0.02 },
    guardrails: [
      { kind: 'errors', maxIncrease: 0.01 },
      { kind: 'latency', maxIncrease: 0.2 },
      { kind: 'accuracy', task: 'digit', maxDrop: 0.02 },
    ],
    phases: [],
    decision: null,
    ...change,
  });
}
