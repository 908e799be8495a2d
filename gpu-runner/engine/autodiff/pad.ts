import { stringOf } from '../../onnx/attributes.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** Around with a constant: what flows into the middle. A negative pad, which cuts off, lets nothing flow there. */
export const pad: GradientRule = (context) => {
  const { emit, node, wants } = context;
  const mode = stringOf(node, 'mode', 'constant');
  if (mode !== 'constant')
    throw new Error(
      `Cannot differentiate Pad "${node.name}": its mode is ${mode}, only constant is supported`,
    );
  if (wants[2]) throw new Error(`Cannot differentiate Pad "${node.name}" by what it pads with`);
  const { length } = emit.dims(inputOf(node, 0));
  const pads = emit.constantInts(inputOf(node, 1));
  const listed = node.inputs[3] ? emit.constantInts(node.inputs[3]) : [...Array(length).keys()];
  const back = new Array<number>(2 * length).fill(0);
  for (const [position, given] of listed.entries()) {
    const axis = given < 0 ? given + length : given;
    back[axis] = -(pads[position] ?? 0);
    back[axis + length] = -(pads[position + listed.length] ?? 0);
  }
  return [emit.op('Pad', [gradOf(context), emit.int64s(back)]), null, null, null];
};
