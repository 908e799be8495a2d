import { rolesOf } from '../../engine/parameters.ts';
import type { Graph } from '../../onnx/graph.ts';
import type { Weights } from '../topology.ts';

/** What reads its other inputs as weights, statistics among them: infinite numbers are no bounds or masks there. */
const weighted = new Set([
  'Conv',
  'ConvTranspose',
  'Gemm',
  'MatMul',
  'BatchNormalization',
  'LSTM',
  'GRU',
  'RNN',
]);

/** Why a network's stored weights cannot be computed with, or null. NaN is refused wherever it stands. */
export function infiniteTensor(graph: Graph): string | null {
  const weights = new Set(rolesOf(graph).keys());
  for (const { op, inputs } of graph.nodes)
    if (weighted.has(op)) for (const name of inputs) weights.add(name);
  for (const [name, { dtype, data }] of graph.initializers) {
    if (dtype !== 'float32' && dtype !== 'float64') continue;
    const wrong = weights.has(name) ? notFinite(data) : count(data, Number.isNaN);
    if (wrong > 0) return `${wrong} of the ${data.length} values of its tensor "${name}" are not finite`;
  }
  return null;
}

/** The same of weights as they are read: what float16 or a division made infinite. */
export function infiniteWeights(weights: ReadonlyMap<string, Weights>): string | null {
  for (const [name, { weight, bias }] of weights) {
    const wrong = notFinite(weight.data) + notFinite(bias);
    if (wrong > 0)
      return `${wrong} of the ${weight.data.length + bias.length} weights of ${name} are not finite`;
  }
  return null;
}

const notFinite = (values: ArrayLike<number>): number => count(values, (value) => !Number.isFinite(value));

function count(values: ArrayLike<number>, isWrong: (value: number) => boolean): number {
  let found = 0;
  for (let k = 0; k < values.length; k += 1) if (isWrong(values[k] ?? 0)) found += 1;
  return found;
}
