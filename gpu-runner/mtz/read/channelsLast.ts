import type { Graph } from '../../onnx/graph.ts';
import { reads } from '../../onnx/node.ts';

/** Operators that work element by element, before the channels are put first: how TensorFlow normalises. */
const passing = new Set(['Add', 'Sub', 'Mul', 'Div', 'Neg', 'Clip', 'Cast', 'Identity', 'Dropout']);

/**
 * Whether a network reads samples with their channels last, [H, W, C], as TensorFlow exports them: all that it does with
 * its input is to put the channels first, or to scale and shift it before.
 */
export function readsChannelsLast(graph: Graph): boolean {
  const [input] = graph.inputs;
  const rank = input?.dims.length ?? 0;
  if (!input || rank < 3) return false;
  const toFirst = [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 1)].join();
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const seen = new Set<string>();
  const stack = [input.name];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const tensor = name;
    const users = graph.nodes.filter((node) => reads(node).includes(tensor));
    if (users.length === 0 || outputs.has(name)) return false;
    for (const { op, domain, outputs: made, attributes } of users) {
      const { perm } = attributes;
      if (op === 'Transpose' && perm?.type === 'ints' && perm.value.join() === toFirst) continue;
      if (domain !== '' || !passing.has(op)) return false;
      stack.push(made[0] ?? '');
    }
  }
  return true;
}
