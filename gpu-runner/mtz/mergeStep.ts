import { mergeChannelParts } from './mergeChannels.ts';
import { mainPart, mergeParts } from './mergeLayer.ts';
import { rowsOf, tasksUsing, type Network, type Part, type Rows, type WeightedStep } from './network.ts';
import { solving } from './solving.ts';
import type { StepGram } from './stepGrams.ts';
import { taskGramIn, type TaskGram } from './taskGram.ts';
import { members, single } from './taskSet.ts';

/** Whether channels that several tasks have are still computed from weights apart, and may be computed from one. */
export const isMergeable = (network: Network, step: WeightedStep): boolean =>
  !(step.kind === 'channelwise' && step.perTask) &&
  rowsOf(network, step).some(({ parts }) => parts.filter(({ bias }) => bias !== null).length > 1);

/**
 * Gives the channels of a step that several tasks have one set of weights: in closed form, one task after the other, which
 * is the joint optimum.
 *
 * @param grams by task, measured in the network as it stands
 * @returns the network, and the second-order loss that it adds
 */
export async function mergeStep(
  network: Network,
  step: WeightedStep,
  grams: readonly StepGram[],
): Promise<{ network: Network; cost: number }> {
  if (!isMergeable(network, step)) return { network, cost: 0 };
  let cost = 0;
  const merged: Rows[] = [];
  const merge = merger(network, step, grams);
  for (const rows of rowsOf(network, step)) {
    let { parts } = rows;
    const [first = -1, ...others] = members(tasksUsing(rows));
    let use = single(first);
    for (const next of others) {
      const [a, b] = [mainPart(parts, use), mainPart(parts, single(next))];
      use |= single(next);
      if (!a || !b) continue;
      const one = await solving(network, step, use, grams, () => merge(rows, a, b));
      cost += one.cost;
      parts = [...one.parts, ...parts.filter((part) => part !== a && part !== b)];
    }
    merged.push({ ...rows, parts });
  }
  return { network: { ...network, rows: new Map(network.rows).set(step.name, merged) }, cost };
}

type Merge = (rows: Rows, a: Part, b: Part) => Promise<{ parts: Part[]; cost: number }>;

function merger(network: Network, step: WeightedStep, grams: readonly StepGram[]): Merge {
  if (step.kind === 'channelwise') {
    const own = channelGramsOf(grams);
    return (rows, a, b) => Promise.resolve(mergeChannelParts(network, step, rows, a, b, own));
  }
  const placed = layerGramsIn(network, step, grams);
  return (_, a, b) => mergeParts(network, a, b, placed);
}

export const channelGramsOf = (
  grams: readonly StepGram[],
): (Extract<StepGram, { kind: 'channelwise' }>['grams'] | undefined)[] =>
  grams.map((gram) => (gram.kind === 'channelwise' ? gram.grams : undefined));

export const layerGramsIn = (
  network: Network,
  step: WeightedStep,
  grams: readonly StepGram[],
): (TaskGram | undefined)[] =>
  grams.map((gram, task) =>
    gram.kind === 'layer' && step.kind === 'layer' ? taskGramIn(network, step, task, gram.gram) : undefined,
  );
