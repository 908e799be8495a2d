import type { DataType, Tensor } from '../../shared/tensor.ts';
import { cloneNode, reads, renameReads } from './node.ts';

/** A fixed size, a named one ("N"), or null where nothing is known. */
export type Dim = number | string | null;

export interface TensorType {
  readonly dtype: DataType;
  readonly dims: readonly Dim[];
}

export interface ValueInfo extends TensorType {
  readonly name: string;
}

export type Attribute =
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'tensor'; readonly value: Tensor }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'graph'; readonly value: Graph };

export const int = (value: number): Attribute => ({ type: 'int', value });
export const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value });
export const float = (value: number): Attribute => ({ type: 'float', value });
export const string = (value: string): Attribute => ({ type: 'string', value });

export interface Node {
  name: string;
  op: string;
  /** '' is the standard operator set. */
  domain: string;
  /** '' where an optional input is left out. */
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

/** Every graph is brought to this version of the standard operators when it is read, and written at it. */
export const opset = 21;

/** A network: nodes in an order that can be executed, values by name. Inputs never include initializers. */
export class Graph {
  name: string;
  inputs: ValueInfo[] = [];
  outputs: ValueInfo[] = [];
  initializers = new Map<string, Tensor>();
  nodes: Node[] = [];
  metadata = new Map<string, string>();
  /** Operator sets beyond the standard one, e.g. "com.microsoft" -> 1. */
  domains = new Map<string, number>();
  /** The number that was free last, by prefix: where the search for a fresh name goes on. */
  readonly #serials = new Map<string, number>();

  constructor(name = 'graph') {
    this.name = name;
  }

  /** Every value that is defined: inputs, initializers, outputs of nodes. */
  values(): Set<string> {
    const named = this.nodes.flatMap((node) => node.outputs.filter((name) => name !== ''));
    return new Set([...this.inputs.map(({ name }) => name), ...this.initializers.keys(), ...named]);
  }

  /** The node that makes each value. */
  producers(): Map<string, Node> {
    return new Map(this.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  }

  /** The nodes that read each value, in order; a node that reads it twice is there once. */
  consumers(): Map<string, Node[]> {
    const consumers = new Map<string, Node[]>();
    for (const node of this.nodes) {
      for (const name of new Set(reads(node))) {
        const readers = consumers.get(name);
        if (readers) readers.push(node);
        else consumers.set(name, [node]);
      }
    }
    return consumers;
  }

  /** A name that no value and no node has: `prefix` itself, or with a number. */
  fresh(prefix: string): string {
    let serial = this.#serials.get(prefix) ?? 0;
    const name = (): string => (serial === 0 ? prefix : `${prefix}_${serial}`);
    while (this.#isTaken(name())) serial += 1;
    this.#serials.set(prefix, serial);
    return name();
  }

  #isTaken(name: string): boolean {
    return (
      this.initializers.has(name) ||
      this.inputs.some((input) => input.name === name) ||
      this.nodes.some((node) => node.name === name || node.outputs.includes(name))
    );
  }

  /** Adds a vector of int64, as operators take axes and shapes. @returns its name */
  addIntegers(name: string, values: ArrayLike<number>): string {
    const data = BigInt64Array.from(values, BigInt);
    this.initializers.set(name, { dtype: 'int64', dims: [values.length], data });
    return name;
  }

  /** Adds a node at the end, under a fresh name. */
  addNode(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    domain = '',
  ): Node {
    const node = { name: this.fresh(op), op, domain, inputs: [...inputs], outputs: [...outputs], attributes };
    this.nodes.push(node);
    return node;
  }

  /** Takes a node out; what read its outputs must be rewired or removed too. */
  removeNode(node: Node): void {
    this.nodes = this.nodes.filter((other) => other !== node);
  }

  /** Makes every node that reads `from` read `to`. The graph's outputs keep their names. */
  replaceUses(from: string, to: string): void {
    for (const node of this.nodes) {
      renameReads(node, (name) => (name === from ? to : name));
    }
  }

  /** Drops nodes and initializers that no output depends on. Inputs stay: they are what callers feed. */
  prune(): void {
    const producers = this.producers();
    const live = new Set<Node>();
    const needed = new Set<string>();
    const stack = this.outputs.map(({ name }) => name);
    for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
      if (needed.has(name)) continue;
      needed.add(name);
      const node = producers.get(name);
      if (!node || live.has(node)) continue;
      live.add(node);
      stack.push(...reads(node));
    }
    this.nodes = this.nodes.filter((node) => live.has(node));
    for (const name of this.initializers.keys()) if (!needed.has(name)) this.initializers.delete(name);
  }

  /**
   * Puts the nodes in an order that can be executed; nodes that are in one already stay as they are.
   * @throws {Error} when nodes feed each other in a circle.
   */
  sort(): void {
    const producers = this.producers();
    const open = new Set<Node>();
    const done = new Set<Node>();
    // A depth-first walk with a stack of its own: graphs are deeper than the call stack.
    for (const first of this.nodes) {
      const stack = [first];
      for (let node = stack.at(-1); node; node = stack.at(-1)) {
        const pending = done.has(node) ? [] : reads(node).flatMap((name) => producers.get(name) ?? []);
        const sources = pending.filter((source) => !done.has(source));
        if (sources.length === 0) {
          done.add(node);
          stack.pop();
          continue;
        }
        open.add(node);
        if (sources.some((source) => open.has(source))) {
          throw new Error(
            `Cannot sort graph "${this.name}": ${node.op} "${node.name}" feeds itself through other nodes`,
          );
        }
        stack.push(...sources.reverse());
      }
    }
    this.nodes = [...done];
  }

  /** A copy whose nodes can be edited apart; tensors, which are never changed, are shared. */
  clone(): Graph {
    const copy = new Graph(this.name);
    copy.inputs = [...this.inputs];
    copy.outputs = [...this.outputs];
    copy.initializers = new Map(this.initializers);
    copy.nodes = this.nodes.map(cloneNode);
    copy.metadata = new Map(this.metadata);
    copy.domains = new Map(this.domains);
    return copy;
  }

  /**
   * The part between some values: a graph that takes `inputs` and makes `outputs`.
   * @throws {Error} when an output needs an input of this graph that is not among `inputs`, or a value is unknown.
   */
  extract(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Graph {
    const part = this.clone();
    const cut = new Set(inputs.map(({ name }) => name));
    part.inputs = [...inputs];
    part.outputs = [...outputs];
    for (const name of cut) part.initializers.delete(name);
    for (const node of part.nodes) node.outputs = node.outputs.map((name) => (cut.has(name) ? '' : name));
    part.prune();
    const defined = part.values();
    const missing = [...part.outputs.map(({ name }) => name), ...part.nodes.flatMap(reads)].find(
      (name) => !defined.has(name),
    );
    if (missing !== undefined) {
      throw new Error(`Cannot extract from graph "${this.name}": value "${missing}" would have no source`);
    }
    return part;
  }

  /**
   * Adds another graph's nodes, initializers, inputs and outputs, their names prefixed.
   * @param bound inputs or initializers of `other` that become values of this graph: their names there -> names here
   * @throws {Error} when a prefixed name is taken, or a bound value is neither of these.
   */
  append(other: Graph, prefix: string, bound: ReadonlyMap<string, string> = new Map()): void {
    const refuse = (reason: string): Error => new Error(`Cannot append graph "${other.name}": ${reason}`);
    const taken = this.values();
    const made = other.producers();
    for (const [from, to] of bound) {
      if (!taken.has(to)) throw refuse(`"${to}" is not a value of "${this.name}"`);
      if (made.has(from)) throw refuse(`"${from}" is the output of a node and cannot be bound`);
    }
    const rename = (name: string): string => bound.get(name) ?? (name === '' ? '' : prefix + name);
    const renamed = (value: ValueInfo): ValueInfo => ({ ...value, name: rename(value.name) });
    const clash = [...other.values()].find((name) => !bound.has(name) && taken.has(rename(name)));
    if (clash !== undefined) throw refuse(`"${rename(clash)}" exists already`);
    const { inputs, outputs, initializers, nodes, domains } = other.clone();
    this.inputs.push(...inputs.filter(({ name }) => !bound.has(name)).map(renamed));
    this.outputs.push(...outputs.map(renamed));
    for (const [name, tensor] of initializers)
      if (!bound.has(name)) this.initializers.set(rename(name), tensor);
    for (const node of nodes) {
      node.name = prefix + node.name;
      node.outputs = node.outputs.map(rename);
      renameReads(node, rename);
      this.nodes.push(node);
    }
    for (const [domain, version] of domains) this.domains.set(domain, version);
  }
}
