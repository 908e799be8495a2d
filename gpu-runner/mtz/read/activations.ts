import { floatOf } from '../../onnx/attributes.ts';
import type { Attribute, Node } from '../../onnx/graph.ts';
import type { NodeReader, Reading, View } from './reading.ts';
import { Unreadable } from './unreadable.ts';

/** Activations, each with its settings and what they are when they are not given. */
const defaults: Readonly<Record<string, Readonly<Record<string, number | string>>>> = {
  ...Object.fromEntries(
    ['Relu', 'Sigmoid', 'Tanh', 'HardSwish', 'Softplus', 'Erf', 'Exp', 'Neg', 'Abs'].map((op) => [op, {}]),
  ),
  LeakyRelu: { alpha: 0.01 },
  ThresholdedRelu: { alpha: 1 },
  Elu: { alpha: 1 },
  Selu: { alpha: 1.6732632423543772, gamma: 1.0507009873554805 },
  HardSigmoid: { alpha: 0.2, beta: 0.5 },
  Gelu: { approximate: 'none' },
};

const activation: NodeReader = (node, reading) => {
  const view = reading.anyView(node, 0);
  const attributes = Object.entries(node.attributes)
    .map(([name, attribute]): [string, Attribute] => [name, rounded(attribute)])
    .filter(([name, { value }]) => {
      const usual = defaults[node.op]?.[name];
      return value !== (typeof usual === 'number' ? Math.fround(usual) : usual);
    })
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return [unary(node, node.op, view, reading, Object.fromEntries(attributes))];
};

/** Mish(x) = x * tanh(softplus(x)) (Misra 2019). */
const mish: NodeReader = (node, reading) => {
  const view = reading.view(node, 0);
  const gate = step(
    node,
    '.gate',
    'Tanh',
    [step(node, '.softplus', 'Softplus', [view.value], reading)],
    reading,
  );
  return [{ ...view, value: step(node, '', 'Mul', [view.value, gate], reading) }];
};

/** Softsign(x) = x / (1 + |x|). */
const softsign: NodeReader = (node, reading) => {
  const view = reading.view(node, 0);
  const size = step(node, '.abs', 'Abs', [view.value], reading);
  const more = step(node, '.more', 'Add', [size], reading, [1]);
  return [{ ...view, value: step(node, '', 'Div', [view.value, more], reading) }];
};

/** Celu(x) = alpha * elu(x / alpha) (Barron 2017). */
const celu: NodeReader = (node, reading) => {
  const view = reading.view(node, 0);
  const alpha = floatOf(node, 'alpha', 1);
  if (alpha === 1) return [{ ...view, value: step(node, '', 'Elu', [view.value], reading) }];
  const scaled = step(node, '.scaled', 'Mul', [view.value], reading, [Math.fround(1 / alpha)]);
  const bent = step(node, '.elu', 'Elu', [scaled], reading);
  return [{ ...view, value: step(node, '', 'Mul', [bent], reading, [Math.fround(alpha)]) }];
};

/** One of the steps that an activation is read as, whose operator has a gradient. */
function step(
  node: Node,
  suffix: string,
  op: string,
  inputs: readonly number[],
  reading: Reading,
  scalars: readonly number[] = [],
): number {
  const { size } = reading.draft.value(inputs[0] ?? 0);
  return reading.draft.plain(reading.name(node, suffix), op, inputs, size, { scalars });
}

const clipNode: NodeReader = (node, reading) => {
  const bounds = [1, 2].map((index) => {
    if ((node.inputs[index] ?? '') === '') return null;
    return reading.constant(node, index, 'bound').values[0] ?? null;
  });
  return [clip(node, reading.anyView(node, 0), bounds, reading)];
};

/** Between two bounds, null where there is none; from 0 on it is a ReLU. */
export function clip(node: Node, view: View, bounds: readonly (number | null)[], reading: Reading): View {
  const [low, high] = bounds.map((bound) => {
    if (bound !== null && Number.isNaN(bound)) throw new Unreadable('its bound is not a number');
    // The largest float stands for none in files whose exporter cannot leave a bound out.
    return bound === null || Math.abs(bound) >= 3.4e38 ? null : Math.fround(bound);
  });
  if ((low ?? null) === null && (high ?? null) === null) return view;
  if (low === 0 && (high ?? null) === null) return unary(node, 'Relu', view, reading);
  return unary(node, 'Clip', view, reading, {}, [low ?? null, high ?? null]);
}

function unary(
  node: Node,
  op: string,
  view: View,
  reading: Reading,
  attributes: Readonly<Record<string, Attribute>> = {},
  scalars: readonly (number | null)[] = [],
): View {
  const { draft } = reading;
  const { size } = draft.value(view.value);
  return {
    ...view,
    value: draft.plain(reading.name(node), op, [view.value], size, { attributes, scalars }),
  };
}

const rounded = (attribute: Attribute): Attribute =>
  attribute.type === 'float' ? { type: 'float', value: Math.fround(attribute.value) } : attribute;

export const activations: Readonly<Record<string, NodeReader>> = {
  ...Object.fromEntries(Object.keys(defaults).map((op) => [op, activation])),
  Clip: clipNode,
  Mish: mish,
  Softsign: softsign,
  Celu: celu,
};
