import { rolesOf } from '../engine/parameters.ts';
import type { Graph } from '../onnx/graph.ts';
import { partsOf } from './parameters.ts';
import type { Network } from './network.ts';

/** Weights, biases not among them, and how many of them are not 0. */
export interface Density {
  readonly weights: number;
  readonly ones: number;
}

/** Of a network as it was trained. */
export function densityOfGraph(graph: Graph): Density {
  const values = [...rolesOf(graph)].flatMap(([name, role]) => {
    const tensor = role === 'weight' ? graph.initializers.get(name) : undefined;
    return tensor?.dtype === 'float32' ? [tensor.data] : [];
  });
  return totalOf(values);
}

/** Of all that is zipped and of the tails. */
export function densityOf(network: Network): Density {
  const own = totalOf([...partsOf(network)].map(({ part }) => part.weight.data));
  return network.tails
    .flatMap((tail) => (tail ? [densityOfGraph(tail.graph)] : []))
    .reduce((sum, { weights, ones }) => ({ weights: sum.weights + weights, ones: sum.ones + ones }), own);
}

/** From this share on, zeros are no chance: somebody pruned. */
const pruned = 0.05;

/** What is said of networks with many zeros that are zipped as if there were none. */
export function prunedNotes(
  sources: readonly { readonly task: string; readonly graph: Graph }[],
  { sparse }: { readonly sparse: boolean },
): string[] {
  if (sparse) return [];
  return sources.flatMap(({ task, graph }) => {
    const { weights, ones } = densityOfGraph(graph);
    const zeros = weights === 0 ? 0 : 1 - ones / weights;
    return zeros < pruned
      ? []
      : [
          `${Math.round(100 * zeros)} % of the weights of "${task}" are 0; they will not stay 0: use --sparse`,
        ];
  });
}

function totalOf(all: readonly (Float32Array | Float64Array)[]): Density {
  let [weights, ones] = [0, 0];
  for (const values of all) {
    weights += values.length;
    for (const value of values) if (value !== 0) ones += 1;
  }
  return { weights, ones };
}
