import type { Guardrail } from '../../../shared/experiment.ts';
import type { TaskName } from '../../tasks.ts';

// What both experiments are judged by, stated before anything was measured on the edge.

export const alpha = 0.05;

/** Largest acceptable losses of accuracy, 0 to 1. */
export const margins: Readonly<Record<TaskName, number>> = { digit: 0.01, fashion: 0.03 };

/** Visitors of the first experiment. */
export const units = 5000;

/** Chance of a verdict within so many units, if a network loses `plannedLossShare` of its margin. */
export const power = 0.9;
export const plannedLossShare = 1 / 3;

/** Slots of 10,000. */
export const half = 5000;

export const guardrails: Guardrail[] = [
  { kind: 'errors', maxIncrease: 0.01 },
  { kind: 'latency', maxIncrease: 0.25 },
  { kind: 'accuracy', task: 'digit', maxDrop: 0.05 },
  { kind: 'accuracy', task: 'fashion', maxDrop: 0.05 },
];
