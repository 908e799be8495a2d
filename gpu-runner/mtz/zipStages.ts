import { weightedSteps, type Network, type WeightedStep } from './network.ts';
import type { Plan } from './plan.ts';
import { inputGroup, valueAt, type Layer } from './topology.ts';

/** A layer and the channelwise steps that follow it: what is shared between two retrainings. */
export interface ZipStage {
  readonly index: number;
  readonly layer: Layer;
  readonly group: number;
  readonly steps: readonly WeightedStep[];
}

/** A network's layers that can be shared, each with the channelwise steps before the next layer. */
export function stagesOf(network: Network): ZipStage[] {
  const stages: { index: number; layer: Layer; group: number; steps: WeightedStep[] }[] = [];
  for (const step of weightedSteps(network)) {
    if (step.kind === 'channelwise') {
      stages.at(-1)?.steps.push(step);
      continue;
    }
    const group = valueAt(network.topology, step.output).segments[0]?.group ?? inputGroup;
    stages.push({ index: stages.length, layer: step, group, steps: [step] });
  }
  return stages;
}

/** The last stage of which a plan shares channels. */
export const lastPlanned = (stages: readonly ZipStage[], plan: Plan): ZipStage | undefined =>
  stages.findLast(({ group }) => (plan.get(group) ?? 0) > 0);
