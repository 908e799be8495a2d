import { describeTensor } from '../../shared/manifest.ts';
import type { Storage } from '../../shared/recipe.ts';
import type { Graph } from '../onnx/graph.ts';
import type { ParityOptions } from './parity.ts';
import type { Parts } from './quantise/parts.ts';
import { tensorSpec } from './tensorSpec.ts';

/** What `quantise` or `storeHalf` made of a bundle's trunk and heads: same inputs, taps and outputs. */
export interface StoredParts extends Parts {
  readonly storage: Exclude<Storage, 'float32'>;
  /** Largest difference from the trained graph, as a share of the task's largest output. */
  readonly tolerance?: number | undefined;
}

/**
 * Ten times what was measured on zipped LeNets: 0.03 % of the largest output for float16, 0.9 % for int8. What int8 costs
 * in accuracy is for `quantise` to judge; this finds weights that are not those of the network.
 */
const storedTolerance = { float16: 0.005, int8: 0.1 } as const;

/** @throws {Error} when stored parts are other ones, or have other inputs or outputs, than the float32 ones */
export function checkStored(stored: StoredParts, source: Parts): void {
  const refuse = (reason: string): Error => new Error(`Cannot export bundle as ${stored.storage}: ${reason}`);
  const tasks = ({ trunk, heads }: Parts): string =>
    [...(trunk ? ['trunk'] : []), ...heads.map(({ task }) => task)].join(', ');
  if (tasks(stored) !== tasks(source))
    throw refuse(`its parts are ${tasks(stored)}, the bundle's ${tasks(source)}`);
  const pairs = [
    ['the trunk', stored.trunk, source.trunk] as const,
    ...source.heads.map(
      ({ task, graph }, index) => [`head "${task}"`, stored.heads[index]?.graph, graph] as const,
    ),
  ];
  for (const [part, own, float] of pairs) {
    if (own && float && edges(own) !== edges(float))
      throw refuse(`${part} has ${edges(own)}, in float32 ${edges(float)}`);
  }
}

const edges = ({ inputs, outputs }: Graph): string =>
  [...inputs, ...outputs]
    .map(tensorSpec)
    .map((tensor) => `"${tensor.name}" ${describeTensor(tensor)}`)
    .join(', ');

/** @throws {Error} for int8 without real samples: on noise its ranges do not fit */
export function storedParity({ storage, tolerance }: StoredParts, parity: ParityOptions = {}): ParityOptions {
  if (storage === 'int8' && !parity.samples)
    throw new Error('Cannot export bundle as int8: its parity can only be checked on real samples');
  return {
    samples: parity.samples,
    relativeTolerance: tolerance ?? storedTolerance[storage],
    random: storage !== 'int8',
  };
}
