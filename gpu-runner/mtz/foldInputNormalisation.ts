import { matrix, row, type Matrix } from '../linalg/matrix.ts';
import { inputScaleOf } from './inputScale.ts';
import { inputOf, kernelArea, valueAt, type Layer, type TaskNet, type Weights } from './topology.ts';

export interface Folded {
  readonly net: TaskNet;
  /**
   * The most that the output of a first layer can differ from before, at the border: zeros padded around the normalised
   * input stand for its mean, zeros around the raw input do not. 0 where nothing is padded or shifted.
   */
  readonly largestDifference: number;
}

/**
 * The network without its input normalisation, which its first layers do instead, so that networks normalised otherwise
 * can read one input by shared weights. Exact but for the border of padded convolutions; a note says by how much.
 */
export function foldInputNormalisation(net: TaskNet): Folded {
  const scale = inputScaleOf(net);
  const own = scale && net.weights.get(scale.name);
  if (!scale || !own) return { net, largestDifference: 0 };
  const { topology, task } = net;
  const readers = layersBehind(net, scale.output);
  if (!readers) {
    const note = `The input normalisation of "${task}" stays a step of its own: not only layers read it`;
    return { net: { ...net, notes: [...net.notes, note] }, largestDifference: 0 };
  }
  const weights = new Map(net.weights);
  weights.delete(scale.name);
  let largestDifference = 0;
  for (const layer of readers) {
    const before = net.weights.get(layer.name);
    if (!before) continue;
    weights.set(layer.name, absorb(before, own));
    largestDifference = Math.max(largestDifference, borderDifference(net, layer, before.weight, own.bias));
  }
  const without = {
    ...topology,
    values: topology.values.filter((_, value) => value !== scale.output),
    output: topology.output === null ? null : shifted(topology.output, scale.output),
    steps: topology.steps.filter((step) => step !== scale).map((step) => skipping(step, scale.output)),
  };
  const differs = `The input normalisation of "${task}" is folded into its first layer, whose output at the padded border can differ by ${largestDifference.toPrecision(3)}`;
  return {
    net: {
      ...net,
      topology: without,
      weights,
      tail: net.tail && { ...net.tail, reads: net.tail.reads.map((value) => shifted(value, scale.output)) },
      notes: largestDifference > 0 ? [...net.notes, differs] : net.notes,
    },
    largestDifference,
  };
}

/** The layers that read a value, flattened or not; null where something else reads it too. */
function layersBehind({ topology, tail }: TaskNet, value: number): Layer[] | null {
  const values = new Set([value]);
  const layers: Layer[] = [];
  for (const step of topology.steps) {
    if (!inputOf(step).some((input) => values.has(input))) continue;
    if (step.kind === 'layer') layers.push(step);
    else if (step.kind === 'flatten') values.add(step.output);
    else return null;
  }
  return tail?.reads.some((read) => values.has(read)) === true ? null : layers;
}

const shifted = (value: number, removed: number): number =>
  value === removed ? 0 : value > removed ? value - 1 : value;

function skipping<S extends TaskNet['topology']['steps'][number]>(step: S, removed: number): S {
  const output = shifted(step.output, removed);
  return 'inputs' in step
    ? { ...step, inputs: step.inputs.map((value) => shifted(value, removed)), output }
    : { ...step, input: shifted(step.input, removed), output };
}

/** Weights on x that do what the given ones do on scale * x + shift. */
function absorb({ weight, bias }: Weights, { weight: scale, bias: shift }: Weights): Weights {
  const area = weight.cols / shift.length;
  const scaled = matrix(weight.rows, weight.cols, weight.data.slice());
  const moved = bias.slice();
  for (let channel = 0; channel < weight.rows; channel += 1) {
    const values = row(scaled, channel);
    for (let index = 0; index < values.length; index += 1) {
      const input = Math.floor(index / area);
      const value = values[index] ?? 0;
      moved[channel] = (moved[channel] ?? 0) + value * (shift[input] ?? 0);
      values[index] = value * (scale.data[input] ?? 1);
    }
  }
  return { weight: scaled, bias: moved };
}

/** The largest sum, over positions and channels, of the shift that weights outside the picture would have read. */
function borderDifference(net: TaskNet, layer: Layer, weight: Matrix, shift: Float64Array): number {
  const { convolution } = layer;
  if (!convolution?.pads.some((pad) => pad !== 0)) return 0;
  const area = kernelArea(layer);
  const inputSize = valueAt(net.topology, layer.input).size;
  const outputSize = valueAt(net.topology, layer.output).size;
  const patterns = outsidePatterns(convolution, inputSize, outputSize);
  let most = 0;
  for (let channel = 0; channel < weight.rows; channel += 1) {
    const values = row(weight, channel);
    const byPosition = Float64Array.from({ length: area }, (_, at) =>
      shift.reduce((sum, amount, input) => sum + amount * (values[input * area + at] ?? 0), 0),
    );
    for (const outside of patterns) {
      const lost = outside.reduce((sum, at) => sum + (byPosition[at] ?? 0), 0);
      most = Math.max(most, Math.abs(lost));
    }
  }
  return most;
}

/** The sets of kernel positions that lie outside the picture together, for some position of the output. */
function outsidePatterns(
  { kernel, strides, pads, dilations }: NonNullable<Layer['convolution']>,
  inputSize: readonly number[],
  outputSize: readonly number[],
): number[][] {
  // Along each axis, the sets of offsets that are inside; over all axes, a position is inside where all its offsets are.
  const insides = kernel.map((length, axis) => {
    const sets = new Set<string>();
    for (let at = 0; at < (outputSize[axis] ?? 1); at += 1) {
      const start = at * (strides[axis] ?? 1) - (pads[axis] ?? 0);
      const inside = Array.from({ length }, (_, offset) => {
        const place = start + offset * (dilations[axis] ?? 1);
        return place >= 0 && place < (inputSize[axis] ?? 0) ? 1 : 0;
      });
      sets.add(inside.join());
    }
    return [...sets].map((set) => set.split(',').map(Number));
  });
  const masks = insides.reduce<number[][]>(
    (sofar, sets) =>
      sofar.flatMap((mask) => sets.map((set) => mask.flatMap((one) => set.map((other) => one * other)))),
    [[1]],
  );
  return masks.map((mask) => mask.flatMap((isInside, at) => (isInside === 0 ? [at] : [])));
}
