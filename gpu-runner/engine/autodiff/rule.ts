import type { Node } from '../../onnx/graph.ts';
import type { Emitter } from '../emitter.ts';
import type { Provider } from '../providers.ts';

export interface RuleContext {
  readonly emit: Emitter;
  /** The forward node, already in the graph: its input and output values can be read. */
  readonly node: Node;
  /** The loss's derivative by each output of the node; null where none flows. Same dims as the output. */
  readonly grads: readonly (string | null)[];
  /** Which inputs' derivatives are asked for. */
  readonly wants: readonly boolean[];
  /** Which gradient forms to choose among: some are only fast, or only supported, on some providers. */
  readonly provider: Provider;
}

/** Emits the derivative by each input of a node, in order: null where not wanted or where none exists. */
export type GradientRule = (context: RuleContext) => (string | null)[];

/** @throws {Error} when nothing flows into output `index` of the node. */
export function gradOf(context: RuleContext, index = 0): string {
  const grad = context.grads[index];
  if (grad === undefined || grad === null)
    throw new Error(
      `Cannot differentiate ${context.node.op} "${context.node.name}": nothing flows into output ${index}`,
    );
  return grad;
}

/** @throws {Error} when the node has no input `index`. */
export function inputOf(node: Node, index: number): string {
  const value = node.inputs[index];
  if (value === undefined || value === '')
    throw new Error(`Cannot differentiate ${node.op} "${node.name}": input ${index} is missing`);
  return value;
}

/** @throws {Error} when the node has no output `index`. */
export function outputOf(node: Node, index = 0): string {
  const value = node.outputs[index];
  if (value === undefined || value === '')
    throw new Error(`Cannot differentiate ${node.op} "${node.name}": output ${index} is missing`);
  return value;
}
