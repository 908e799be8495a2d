import type { Dim, Graph, Node } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import { batchNormalizationTraining } from './autodiff/batchNormalization.ts';
import { dropoutTraining } from './autodiff/dropout.ts';
import type { Emitter } from './emitter.ts';

/** What the operators that behave differently while a network is trained need. */
export interface TrainingForms {
  /**
   * The running statistics: the initializer each began as, and the value that holds it so far. Every
   * BatchNormalization of those statistics moves them on.
   */
  readonly statistics: Map<string, string>;
  /** A new value of independent uniform numbers in [0, 1). */
  readonly noise: (dims: readonly number[]) => string;
}

/**
 * Emits a copy of a network in its training form: BatchNormalization by the batch's own statistics where its running
 * ones are among `forms.statistics`, Dropout with a mask.
 *
 * @param path a network whose shapes are static once its inputs have theirs
 * @param values what its inputs and some of its initializers are called in `emit`; other initializers are copied, and
 * their new names added
 * @returns what each of its values is called in `emit`
 * @throws {Error} when an operator is not supported or shapes do not fit.
 */
export function emitForward(
  emit: Emitter,
  path: Graph,
  values: Map<string, string>,
  forms: TrainingForms,
): Map<string, string> {
  for (const [name, tensor] of path.initializers) {
    if (!values.has(name)) values.set(name, emit.initializer(`net/${name}`, tensor));
  }
  const names = new Map(values);
  const inputDims = path.inputs.map(({ name }) => [name, emit.dims(values.get(name) ?? name)] as const);
  const types = inferShapes(path, Object.fromEntries(inputDims));
  for (const node of path.nodes) {
    const inputs = node.inputs.map((name) => (name === '' ? '' : (names.get(name) ?? name)));
    const outputs =
      node.op === 'Reshape'
        ? [emit.reshape(inputs[0] ?? '', staticDims(node, types.get(node.outputs[0] ?? '')?.dims))]
        : emitNode(emit, node, inputs, forms);
    for (const [index, name] of node.outputs.entries()) names.set(name, outputs[index] ?? '');
  }
  return names;
}

/** A shape computed from the batch's size (x.view(x.size(0), -1)) is a constant here. */
function staticDims(node: Node, dims: readonly Dim[] = []): number[] {
  return dims.map((dim) => {
    if (typeof dim === 'number') return dim;
    throw new Error(`Cannot train through Reshape "${node.name}": its shape depends on values`);
  });
}

/** @returns the values that stand for the node's outputs */
function emitNode(emit: Emitter, node: Node, inputs: string[], forms: TrainingForms): readonly string[] {
  const { op, domain, attributes } = node;
  if (op === 'Dropout')
    return [dropoutTraining(emit, { ...node, inputs }, forms.noise(emit.dims(inputs[0] ?? '')))];
  const [mean = '', variance = ''] = node.inputs.slice(3);
  const [meanSoFar, varianceSoFar] = [forms.statistics.get(mean), forms.statistics.get(variance)];
  if (op === 'BatchNormalization' && meanSoFar !== undefined && varianceSoFar !== undefined) {
    const running = { ...node, inputs: [...inputs.slice(0, 3), meanSoFar, varianceSoFar] };
    const trained = batchNormalizationTraining(emit, running);
    forms.statistics.set(mean, trained.runningMean).set(variance, trained.runningVariance);
    return [trained.output];
  }
  const outputs = node.outputs.map((name) => (name === '' ? '' : emit.fresh(op)));
  emit.node(op, inputs, { domain, outputs, attributes });
  return outputs;
}
