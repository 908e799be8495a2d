import type { Experiment, Phase } from '../../shared/experiment.ts';

/** The phases with the last one ended. Clocks differ between machines: it ends when it began, if that is later. */
export function endPhase(phases: readonly Phase[], at: string): Phase[] {
  const last = phases.at(-1);
  if (last === undefined || last.endedAt !== null) return [...phases];
  return [...phases.slice(0, -1), { ...last, endedAt: latest(at, last.startedAt) }];
}

/** The phases with the last one ended and a new one begun, under the experiment's weights and coverage. */
export function beginPhase({ phases, revision, coverage, arms }: Experiment, at: string): Phase[] {
  const ended = endPhase(phases, at);
  const weights = Object.fromEntries(arms.map((arm) => [arm.name, arm.weight]));
  const startedAt = latest(at, ended.at(-1)?.endedAt ?? at);
  return [...ended, { revision, weights, coverage, startedAt, endedAt: null }];
}

const latest = (a: string, b: string): string => (Date.parse(a) > Date.parse(b) ? a : b);
