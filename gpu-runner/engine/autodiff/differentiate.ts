/**
 * Reverse-mode differentiation by emission: the nodes of a graph are walked from last to first, each node's rule
 * writes its derivative beside them, and contributions that meet at one value are added.
 */
import { elementCount } from '../../../shared/tensor.ts';
import type { Node } from '../../onnx/graph.ts';
import type { Emitter } from '../emitter.ts';
import type { Provider } from '../providers.ts';
import { gradientRules } from './rules.ts';

export interface DifferentiateOptions {
  /** What the gradient's operators will run on; some forms are faster, or only supported, there. Default 'cpu'. */
  readonly provider?: Provider;
}

/**
 * Emits the derivative of a scalar by each value of `wrt`. Values that the loss does not depend on are absent from
 * the result.
 *
 * @throws {Error} when the loss is not one float, or a node between has no gradient rule.
 */
export function differentiate(
  emit: Emitter,
  loss: string,
  wrt: readonly string[],
  options: DifferentiateOptions = {},
): Map<string, string> {
  const { dims, dtype } = emit.type(loss);
  if (elementCount(dims) !== 1)
    throw new Error(`Cannot differentiate "${loss}": [${dims.join()}] is not a scalar`);
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new Error(`Cannot differentiate "${loss}": it is ${dtype}, not float32 or float64`);
  }
  const one = emit.reshape(emit.scalar(1, loss), dims);
  return backpropagate(emit, [{ value: loss, grad: one }], wrt, options);
}

/** A derivative that is already known, e.g. the one a loss wrote by its logits. */
export interface Seed {
  readonly value: string;
  /** Same type and dims as `value`. */
  readonly grad: string;
}

/**
 * As `differentiate`, from known derivatives by any values instead of from a scalar.
 *
 * @throws {Error} when a node between has no gradient rule.
 */
export function backpropagate(
  emit: Emitter,
  seeds: readonly Seed[],
  wrt: readonly string[],
  options: DifferentiateOptions = {},
): Map<string, string> {
  const { provider = 'cpu' } = options;
  const forward = [...emit.graph.nodes];
  const varying = valuesVaryingWith(emit, forward, wrt);
  const contributions = new Map<string, string[]>();
  const contribute = (value: string, grad: string): void => {
    const [have, got] = [emit.dims(value).join(), emit.dims(grad).join()];
    if (have !== got)
      throw new Error(`Cannot differentiate: the gradient of "${value}" is [${got}], not [${have}]`);
    contributions.set(value, [...(contributions.get(value) ?? []), grad]);
  };
  const total = (value: string): string | null => {
    const [first, ...rest] = contributions.get(value) ?? [];
    if (first === undefined) return null;
    const sum = rest.reduce((partial, grad) => emit.add(partial, grad), first);
    contributions.set(value, [sum]);
    return sum;
  };

  for (const { value, grad } of seeds) {
    if (varying.has(value)) contribute(value, grad);
  }
  for (const node of forward.toReversed()) {
    if (!node.outputs.some((value) => contributions.has(value))) continue;
    const wants = node.inputs.map((value) => varying.has(value));
    if (!wants.includes(true)) continue;
    const rule = node.domain === '' ? gradientRules.get(node.op) : undefined;
    if (!rule) throw new Error(`Cannot differentiate ${node.op} "${node.name}": no gradient rule`);
    const derivatives = rule({ emit, node, grads: node.outputs.map(total), wants, provider });
    for (const [index, value] of node.inputs.entries()) {
      const derivative = derivatives[index];
      if (wants[index] === true && typeof derivative === 'string') contribute(value, derivative);
    }
  }
  const found = wrt.map((value) => [value, total(value)] as const);
  return new Map(found.flatMap(([value, grad]) => (grad === null ? [] : [[value, grad]])));
}

/** Float values computed from `wrt`; nothing flows through integers and booleans. */
function valuesVaryingWith(emit: Emitter, nodes: readonly Node[], wrt: readonly string[]): Set<string> {
  const varying = new Set(wrt);
  for (const node of nodes) {
    if (!node.inputs.some((value) => varying.has(value))) continue;
    for (const value of node.outputs) {
      if (value !== '' && emit.type(value).dtype.startsWith('float')) varying.add(value);
    }
  }
  return varying;
}
