import type { Dim, Graph, Node, TensorType } from '../../onnx/graph.ts';
import { Constants, type Constant } from './constants.ts';
import { Draft } from './draft.ts';
import { Unreadable } from './unreadable.ts';

/** How a tensor of the file holds a value of the draft. */
export interface View {
  readonly value: number;
  /** [batch, ...size, channels], as TensorFlow likes it. */
  readonly channelsLast: boolean;
  /** [batch, channels], the value being [batch, channels, 1, 1]. */
  readonly squeezed: boolean;
  /** [batch, channels, positions], the value being [batch, channels, ...size]. */
  readonly inLine: boolean;
  /**
   * Filters of a depthwise convolution of several a channel, whose results the tensor has beside each other, channel by channel;
   * the value has all channels of the first filter, then all of the next. 1 elsewhere.
   */
  readonly filters: number;
  /** Where each element of a flattened tensor is in the value, or null where they are in one order. */
  readonly order: Int32Array | null;
}

export const viewOf = (value: number): View => ({
  ...{ value, channelsLast: false, squeezed: false, inLine: false, filters: 1, order: null },
});

/** The spatial dims in the middle of the axes, in the order of the tensor. */
export interface Axes {
  readonly rank: number;
  readonly channel: number;
  readonly spatial: readonly number[];
}

/** Turns one node into steps: the views of its outputs. Throws {@link Unreadable} before it has changed anything. */
export type NodeReader = (node: Node, reading: Reading) => View[];

export interface ReadOptions {
  /**
   * `fold` batch normalisation into the layer before it, or keep it `per-task`: the layer is divided by the running
   * deviation, and every task has its own scale and shift.
   */
  readonly batchNorm: 'fold' | 'per-task';
}

/** A graph and what is read of it so far. */
export class Reading {
  readonly options: ReadOptions;
  readonly draft: Draft;
  readonly constants: Constants;
  readonly views = new Map<string, View>();
  private readonly types: ReadonlyMap<string, TensorType>;
  private readonly readers: ReadonlyMap<string, readonly Node[]>;
  private readonly outputs: ReadonlySet<string>;
  private readonly asMaps: ReadonlySet<string>;
  private readonly names = new Set<string>();
  /** The tensor that shows a value after all that is done to it alone. */
  private readonly primary = new Map<number, string>();

  /** @param asMaps vectors that are read as maps of one pixel, because they are turned into such later */
  constructor(
    graph: Graph,
    types: ReadonlyMap<string, TensorType>,
    asMaps: ReadonlySet<string>,
    input: { readonly name: string; readonly dims: readonly number[]; readonly channelsLast: boolean },
    options: ReadOptions,
  ) {
    this.types = types;
    this.asMaps = asMaps;
    this.options = options;
    this.constants = new Constants(graph, types);
    this.readers = graph.consumers();
    this.outputs = new Set(graph.outputs.map(({ name }) => name));
    this.draft = new Draft(input.dims);
    this.views.set(input.name, { ...viewOf(0), channelsLast: input.channelsLast });
  }

  /** Notes what the outputs of a node show. */
  see(node: Node, views: readonly View[]): void {
    for (const [index, view] of views.entries()) {
      const tensor = node.outputs[index] ?? '';
      if (tensor === '') continue;
      this.views.set(tensor, view);
      const known = this.primary.get(view.value);
      const takesOver = known !== undefined && node.inputs.includes(known) && this.isOnlyReader(known);
      if (known === undefined || takesOver) this.primary.set(view.value, tensor);
    }
  }

  /** The view of an input that must be computed by what is read already, with its channels in their order. */
  view(node: Node, index: number): View {
    const view = this.anyView(node, index);
    if (view.filters > 1)
      throw new Unreadable(
        `its input ${index} has ${view.filters} filters of each channel beside each other`,
      );
    return view;
  }

  /** The same, whatever filters the channels come from: for what treats all alike, or minds it. */
  anyView(node: Node, index: number): View {
    const view = this.views.get(node.inputs[index] ?? '');
    if (!view) throw new Unreadable(`its input ${index} is not a value that the network computes`);
    return view;
  }

  /** A value that is there as [batch, channels, ...size]. */
  map(node: Node, index = 0): number {
    return this.mapOf(this.view(node, index));
  }

  mapOf(view: View): number {
    if (view.channelsLast) throw new Unreadable('its input has its channels last');
    if (view.inLine) throw new Unreadable('its input has its positions in a line');
    if (view.squeezed || view.order) throw new Unreadable('its input is a rearranged vector');
    return view.value;
  }

  /** Dims of a tensor without the batch. */
  dims(tensor = ''): number[] {
    const dims = this.types.get(tensor)?.dims;
    if (!dims) throw new Unreadable(`the shape of "${tensor}" is not known`);
    return dims.slice(1).map((dim, axis) => {
      if (typeof dim === 'number') return dim;
      throw new Unreadable(`dimension ${axis + 1} of "${tensor}" is not known`);
    });
  }

  batch(tensor = ''): Dim {
    return this.types.get(tensor)?.dims[0] ?? null;
  }

  isFloat(tensor: string): boolean {
    return this.types.get(tensor)?.dtype === 'float32';
  }

  axes(view: View): Axes {
    const { size } = this.draft.value(view.value);
    if (view.squeezed) return { rank: 2, channel: 1, spatial: [] };
    if (view.inLine) return { rank: 3, channel: 1, spatial: [2] };
    const rank = size.length + 2;
    const channel = view.channelsLast ? rank - 1 : 1;
    return { rank, channel, spatial: size.map((_, axis) => axis + (view.channelsLast ? 1 : 2)) };
  }

  /** A weight, bias or other float constant that the node must have. */
  constant(node: Node, index: number, what: string): Constant {
    const constant = this.constants.floats(node.inputs[index]);
    if (!constant) throw new Unreadable(`its ${what} is computed or missing, not a constant`);
    return constant;
  }

  /** Whether this vector becomes a map of one pixel again later. */
  isMapLater(tensor: string | undefined): boolean {
    return this.asMaps.has(tensor ?? '');
  }

  /** True where nothing but this node sees the value that its input shows, so that its maker can do the node's work. */
  isOnlyReader(tensor: string | undefined): boolean {
    const view = this.views.get(tensor ?? '');
    if (!view || tensor === undefined || this.outputs.has(tensor)) return false;
    return this.primary.get(view.value) === tensor && this.readers.get(tensor)?.length === 1;
  }

  /** A name that no step has yet, from the node's weights or its own name. */
  name(node: Node, suffix = ''): string {
    return this.unique(authorName(node) + suffix);
  }

  unique(wanted: string): string {
    let name = wanted;
    for (let serial = 2; this.names.has(name); serial += 1) name = `${wanted}_${serial}`;
    this.names.add(name);
    return name;
  }
}

/** What its author called a node, as far as an exporter kept it: from its weights or its own name. */
export function authorName(node: Node): string {
  const fromWeight = /^(.+)[._/](?:weight|W|kernel|MatMul|Conv2D)$/i.exec(node.inputs[1] ?? '')?.[1];
  const fromNode = node.name.replace(/^\/|\/(?:Conv|Gemm|MatMul|BatchNormalization)$/g, '');
  const weighted = node.op === 'Conv' || node.op === 'Gemm' || node.op === 'MatMul';
  const own = (weighted ? fromWeight : undefined) ?? fromNode;
  return own === '' ? node.op : own;
}
