import { Random } from '../../../../gpu-runner/engine/random.ts';
import { selectRows, submatrix } from '../../../../gpu-runner/linalg/matrix.ts';
import {
  kernelArea,
  valueAt,
  type Tail,
  type TaskNet,
  type Value,
  type Weights,
} from '../../../../gpu-runner/mtz/topology.ts';
import { int } from '../../../../gpu-runner/onnx/graph.ts';

export interface PermutedNet {
  readonly net: TaskNet;
  /** By group: which channel of the original each channel of the copy is. */
  readonly orders: readonly (readonly number[])[];
}

/** A copy that computes the same with the channels of every group that can be shared in another order. */
export function permutedNet(net: TaskNet, seed: number): PermutedNet {
  const random = new Random(seed);
  const { topology, widths } = net;
  const orders = widths.map((width, group) =>
    topology.groups[group]?.pinned === null
      ? Array.from(random.permutation(width))
      : Array.from({ length: width }, (_, channel) => channel),
  );
  /** Which element of the original's value each element of the copy's is, each `area` numbers wide. */
  const places = ({ segments }: Value, area: number): number[] => {
    let start = 0;
    return segments.flatMap((segment) => {
      const wide = segment.area * area;
      const base = start;
      start += (widths[segment.group] ?? 0) * wide;
      return (orders[segment.group] ?? []).flatMap((channel) =>
        Array.from({ length: wide }, (_, k) => base + channel * wide + k),
      );
    });
  };
  const weights = new Map<string, Weights>();
  for (const step of topology.steps) {
    const own = net.weights.get(step.name);
    if (!own || (step.kind !== 'layer' && step.kind !== 'channelwise')) continue;
    const rows = places(valueAt(topology, step.output), 1);
    const cols = places(valueAt(topology, step.input), kernelArea(step));
    weights.set(step.name, {
      weight: step.kind === 'layer' ? submatrix(own.weight, rows, cols) : selectRows(own.weight, rows),
      bias: own.bias.map((_, channel) => own.bias[rows[channel] ?? 0] ?? 0),
    });
  }
  const tail = net.tail && reordered(net.tail, (value) => places(valueAt(topology, value), 1));
  return { net: { ...net, weights, tail }, orders };
}

/** A tail that gets the channels of its inputs in another order and puts them back. */
function reordered({ graph, reads }: Tail, order: (value: number) => number[]): Tail {
  const copy = graph.clone();
  copy.inputs = copy.inputs.map((input, index) => {
    const places = order(reads[index] ?? 0);
    const back = new BigInt64Array(places.length);
    places.forEach((from, to) => (back[from] = BigInt(to)));
    const name = copy.fresh(`${input.name}.permuted`);
    copy.initializers.set(`${name}.order`, { dtype: 'int64', dims: [back.length], data: back });
    copy.nodes.unshift({
      ...{ name: `${name}.back`, op: 'Gather', domain: '', attributes: { axis: int(1) } },
      ...{ inputs: [name, `${name}.order`], outputs: [input.name] },
    });
    return { ...input, name };
  });
  return { graph: copy, reads };
}
