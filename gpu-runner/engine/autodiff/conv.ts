import { intOf } from '../../onnx/attributes.ts';
import { convInputGradient } from './conv/inputGradient.ts';
import { convWeightGradient } from './conv/weightGradient.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';
import { windowsOf } from './windows.ts';

/** Any rank, stride, padding, dilation and number of groups. */
export const conv: GradientRule = (context) => {
  const { emit, node, wants } = context;
  const [x, w, dy] = [inputOf(node, 0), inputOf(node, 1), gradOf(context)];
  const windows = windowsOf(emit, node, emit.dims(w).slice(2));
  const group = intOf(node, 'group', 1);
  const positions = windows.map((_, axis) => axis + 2);
  return [
    wants[0] === true ? convInputGradient(emit, dy, w, group, windows) : null,
    wants[1] === true ? convWeightGradient(emit, x, dy, group, windows) : null,
    wants[2] === true ? emit.sum(dy, [0, ...positions], false) : null,
  ];
};
