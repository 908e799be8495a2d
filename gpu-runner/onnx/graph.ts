import type { DataType, Tensor } from '../../shared/tensor.ts';

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

  constructor(name = 'graph') {
    this.name = name;
  }
}
