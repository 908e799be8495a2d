import type { Tensor } from '../../shared/tensor.ts';
import { Graph } from '../onnx/graph.ts';
import type { Parts } from './quantise/parts.ts';

/**
 * A trunk and one task's head as one graph, from the bundle's input to the task's output, without what only other heads
 * need. The head's values keep their names.
 *
 * @throws {Error} when the task has no head
 */
export function composeTask({ trunk, heads }: Parts, task: string): Graph {
  const head = heads.find((one) => one.task === task)?.graph;
  if (!head) throw new Error(`Cannot put "${task}" together: it has no head`);
  if (!trunk) return head.clone();
  const taps = new Set(trunk.outputs.map(({ name }) => name));
  const own = new Map(
    [...trunk.inputs, ...head.inputs.filter(({ name }) => !taps.has(name))].map((input) => [
      input.name,
      input,
    ]),
  );
  const net = new Graph(task);
  net.inputs = [...own.values()];
  const prefix = unusedPrefix(head);
  net.append(trunk, prefix, new Map(trunk.inputs.map(({ name }) => [name, name])));
  net.outputs = [];
  const bound = new Map(head.inputs.map(({ name }) => [name, taps.has(name) ? prefix + name : name]));
  // What trunk and head both read is there once.
  for (const [name, tensor] of head.initializers) {
    const known = trunk.initializers.get(name);
    if (known && isEqual(known, tensor)) bound.set(name, prefix + name);
  }
  net.append(head, '', bound);
  net.prune();
  const read = new Set(net.nodes.flatMap(({ inputs }) => inputs));
  net.inputs = net.inputs.filter(({ name }) => read.has(name));
  return net;
}

/** Of the trunk's values, so that they are none of the head's. */
function unusedPrefix(head: Graph): string {
  const names = [...head.values()];
  let prefix = 'trunk.';
  while (names.some((name) => name.startsWith(prefix))) prefix = `_${prefix}`;
  return prefix;
}

function isEqual(one: Tensor, other: Tensor): boolean {
  if (one.dtype !== other.dtype || one.dims.join() !== other.dims.join()) return false;
  return [...one.data].every((value, index) => Object.is(value, other.data[index]));
}
