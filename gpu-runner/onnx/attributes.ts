import type { Attribute, Graph, Node } from './graph.ts';
import type { Tensor } from '../../shared/tensor.ts';

interface Values {
  int: number;
  float: number;
  string: string;
  tensor: Tensor;
  ints: readonly number[];
  floats: readonly number[];
  strings: readonly string[];
  graph: Graph;
}

function read(node: Node, name: string, kind: Attribute['type']): Attribute['value'] | undefined {
  const attribute = Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined;
  if (attribute === undefined || attribute.type === kind) return attribute?.value;
  throw new Error(
    `Cannot read ${node.op} "${node.name}": attribute "${name}" has type ${attribute.type}, expected ${kind}`,
  );
}

/** Reads one kind of attribute: undefined, or `fallback`, where the node does not set it. Throws on another kind. */
interface Reader<T> {
  (node: Node, name: string): T | undefined;
  (node: Node, name: string, fallback: T): T;
}

function reader<K extends keyof Values>(kind: K): Reader<Values[K]> {
  const readKind = (node: Node, name: string, fallback?: Values[K]) => read(node, name, kind) ?? fallback;
  return readKind as Reader<Values[K]>;
}

export const intOf = reader('int');
export const intsOf = reader('ints');
export const floatOf = reader('float');
export const floatsOf = reader('floats');
export const stringOf = reader('string');
export const stringsOf = reader('strings');
export const tensorOf = reader('tensor');
