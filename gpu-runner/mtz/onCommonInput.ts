import type { InputAdaptation } from '../../shared/recipe.ts';
import { int, ints, type Graph } from '../onnx/graph.ts';
import { shares } from './adaptInput.ts';
import { ofChannel, type InputScale } from './inputScale.ts';
import { readsChannelsLast } from './read/channelsLast.ts';

export interface CommonInputOptions {
  /** Dims of one sample that all networks read, channels first. */
  readonly dims: readonly number[];
  /** How the network takes channels of another number than its own. */
  readonly how?: InputAdaptation | undefined;
  /** What it reads in place of the samples. */
  readonly inputScale?: InputScale | undefined;
}

/**
 * A network as it was, for the input that all networks read: nodes before it make its own of that, and put the channels last
 * where it has them so. Nothing is folded, so
 * that what it pads lies around its own input still, and its answers are those it was trained to give.
 */
export function onCommonInput(graph: Graph, { dims, how, inputScale }: CommonInputOptions): Graph {
  const [input] = graph.inputs;
  const isLast = readsChannelsLast(graph);
  if (!input || (how === undefined && !inputScale && !isLast)) return graph;
  const whole = graph.clone();
  const theirs = whole.fresh(`${input.name}.own`);
  whole.inputs = [{ ...input, dims: [input.dims[0] ?? null, ...dims] }];
  whole.replaceUses(input.name, theirs);
  const before = whole.nodes.length;
  const own = isLast && (how !== undefined || inputScale) ? whole.fresh(`${input.name}.first`) : theirs;
  const { scale, shift } = inputScale ?? { scale: [1], shift: [0] };
  const perChannel = (name: string, values: readonly number[]): string => {
    const made = whole.fresh(`${input.name}.${name}`);
    const shape = [values.length, ...dims.slice(1).map(() => 1)];
    whole.initializers.set(made, { dtype: 'float32', dims: shape, data: Float32Array.from(values) });
    return made;
  };
  const next = (
    op: string,
    read: string,
    other: string,
    output = whole.fresh(`${input.name}.${op}`),
  ): string =>
    whole.addNode(op, [read, other], [output], op === 'ReduceSum' ? { keepdims: int(1) } : {}).outputs[0] ??
    '';
  if (how === 'mean' || how === 'luma') {
    const parts = shares[how];
    const taken = parts.map((part, channel) => part * (ofChannel(scale, channel) ?? 1));
    const moved = parts.reduce((sum, part, channel) => sum + part * (ofChannel(shift, channel) ?? 0), 0);
    const axis = whole.addIntegers(whole.fresh(`${input.name}.axis`), [1]);
    const grey = next('ReduceSum', next('Mul', input.name, perChannel('scale', taken)), axis);
    next('Add', grey, perChannel('shift', [moved]), own);
  } else if (how !== undefined || inputScale) {
    // What is read has one channel where it is repeated: the factors' three are those of the network.
    const channels = how === 'repeat' ? shares.mean.length : scale.length;
    const all = (values: readonly number[]): number[] =>
      Array.from({ length: channels }, (_, channel) => ofChannel(values, channel) ?? 0);
    next(
      'Add',
      next('Mul', input.name, perChannel('scale', all(scale))),
      perChannel('shift', all(shift)),
      own,
    );
  }
  if (isLast) {
    const perm = ints([0, ...dims.slice(1).map((_, axis) => axis + 2), 1]);
    whole.addNode('Transpose', [own === theirs ? input.name : own], [theirs], { perm });
  }
  whole.nodes = [...whole.nodes.slice(before), ...whole.nodes.slice(0, before)];
  return whole;
}
