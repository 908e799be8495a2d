import { intOf } from '../../onnx/attributes.ts';
import { int, type Node } from '../../onnx/graph.ts';
import type { Emitter } from '../emitter.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';

/**
 * Along an axis by constant indices. The derivative is gathered back: each place takes what became of it, or the zero
 * appended at the end; a place that was taken k times needs k such gathers.
 */
export const gather: GradientRule = (context) => {
  const { emit, node } = context;
  const dims = emit.dims(inputOf(node, 0));
  const given = intOf(node, 'axis', 0);
  const axis = given < 0 ? given + dims.length : given;
  const size = dims[axis] ?? 0;
  const indices = indicesOf(emit, node).map((index) => (index < 0 ? index + size : index));
  const [before, after] = [dims.slice(0, axis), dims.slice(axis + 1)];
  const grad = emit.reshape(gradOf(context), [...before, indices.length, ...after]);
  const pads = [...dims.map(() => 0), ...dims.map((_, at) => (at === axis ? 1 : 0))];
  const withZero = emit.op('Pad', [grad, emit.int64s(pads)]);
  const parts = takersOf(indices, size).map((takers) =>
    emit.op('Gather', [withZero, emit.int64s(takers)], { axis: int(axis) }),
  );
  return [parts.reduce((total, part) => emit.add(total, part)), null];
};

/** For the first, second, ... time that each place is taken: where it went; past the end where it went nowhere. */
function takersOf(indices: readonly number[], size: number): number[][] {
  const nowhere = (): number[] => new Array<number>(size).fill(indices.length);
  const rounds = [nowhere()];
  const times = new Uint32Array(size);
  for (const [position, index] of indices.entries()) {
    const time = times[index] ?? 0;
    const round = (rounds[time] ??= nowhere());
    round[index] = position;
    times[index] = time + 1;
  }
  return rounds;
}

function indicesOf(emit: Emitter, node: Node): number[] {
  const tensor = emit.graph.initializers.get(inputOf(node, 1));
  if (tensor?.dtype !== 'int64' && tensor?.dtype !== 'int32')
    throw new Error(`Cannot differentiate Gather "${node.name}": its indices are not constant`);
  return Array.from(tensor.data, Number);
}
