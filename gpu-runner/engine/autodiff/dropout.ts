import type { Node } from '../../onnx/graph.ts';
import type { Emitter } from '../emitter.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** Dropout at inference passes its input on. In training use `dropoutTraining`, whose mask is known. */
export const dropout: GradientRule = (context) => {
  const { emit, node } = context;
  const training = constantInput(emit, node, 2);
  if (training !== undefined && training !== 0)
    throw new Error(`Cannot differentiate Dropout "${node.name}": the mask of its training_mode is not kept`);
  return [gradOf(context)];
};

/**
 * Emits a Dropout node in its training form and returns the output: elements where `noise` is below the node's ratio
 * become 0, the others grow by 1 / (1 - ratio).
 *
 * @param noise uniform in [0, 1), the type and dims of the node's input. Fed, not drawn in the graph: the same seed and
 *   step then give the same mask in every session and on every provider, so that a resumed run is the same run.
 * @throws {Error} when the ratio is not a constant from 0 to below 1, or the mask output is used.
 */
export function dropoutTraining(emit: Emitter, node: Node, noise: string): string {
  const x = inputOf(node, 0);
  const ratio = (node.inputs[1] ?? '') === '' ? 0.5 : constantInput(emit, node, 1);
  const refuse = (why: string): Error => new Error(`Cannot train Dropout "${node.name}": ${why}`);
  if (ratio === undefined) throw refuse('its ratio is not a constant');
  if (!(ratio >= 0 && ratio < 1)) throw refuse(`its ratio ${ratio} is not from 0 to below 1`);
  if ((node.outputs[1] ?? '') !== '') throw refuse('its mask output is used');
  if (emit.dims(noise).join() !== emit.dims(x).join())
    throw refuse(`noise is [${emit.dims(noise).join()}], its input [${emit.dims(x).join()}]`);
  if (ratio === 0) return x;
  const kept = emit.op('GreaterOrEqual', [noise, emit.scalar(ratio, noise)]);
  const gain = emit.op('Where', [kept, emit.scalar(1 / (1 - ratio), x), emit.scalar(0, x)]);
  return emit.mul(x, gain);
}

/** The number in a constant input; undefined where it is left out or not a constant. */
function constantInput(emit: Emitter, node: Node, index: number): number | undefined {
  const value = emit.graph.initializers.get(node.inputs[index] ?? '')?.data[0];
  return value === undefined ? undefined : Number(value);
}
