import type { InputAdaptation } from '../../shared/recipe.ts';
import { matrix, row, type Matrix } from '../linalg/matrix.ts';
import { stepLabel } from './difference.ts';
import { inputGroup, inputOf, valueAt, type TaskNet, type Weights } from './topology.ts';

/** What a grey network takes of red, green and blue. */
export const shares: Readonly<Record<Exclude<InputAdaptation, 'repeat'>, readonly number[]>> = {
  mean: [1 / 3, 1 / 3, 1 / 3],
  luma: [0.299, 0.587, 0.114],
};

/**
 * The network for inputs of another number of channels: its first layers read grey from RGB (1 to 3 channels, `mean` or
 * `luma`), or grey in place of RGB (3 to 1, `repeat`). For grey pictures, repeated or not, the answers stay exactly.
 *
 * @throws {Error} when the channels or `how` do not fit, or something else than a sum of channels is done to the input.
 */
export function adaptInput(net: TaskNet, toChannels: number, how: InputAdaptation): TaskNet {
  const [channels = 1, ...size] = net.topology.input.dims;
  const refuse = (reason: string): Error =>
    new Error(
      `Cannot adapt the input of "${net.task}" from ${channels} to ${toChannels} channels: ${reason}`,
    );
  if (channels === toChannels) return net;
  const spreads = channels === 1 && toChannels === 3;
  if (!spreads && !(channels === 3 && toChannels === 1)) throw refuse('only grey and RGB are adapted');
  if (spreads === (how === 'repeat'))
    throw refuse(
      spreads
        ? '"repeat" is for RGB nets, take "mean" or "luma"'
        : `"${how}" is for grey nets, take "repeat"`,
    );
  const weights = new Map(net.weights);
  for (const step of net.topology.steps) {
    const readsInput = inputOf(step).some((value) =>
      valueAt(net.topology, value).segments.some(({ group }) => group === inputGroup),
    );
    if (!readsInput) continue;
    const own = net.weights.get(step.name);
    if (step.kind === 'layer' && own) {
      if (valueAt(net.topology, step.input).segments.length > 1)
        throw refuse(`"${step.name}" reads the input beside other channels`);
      weights.set(step.name, { ...own, weight: columns(own.weight, how, channels) });
    } else if (step.kind === 'channelwise' && own && step.convolution === null) {
      const scale = spreads ? own : grey(own);
      if (!scale)
        throw refuse(`"${step.name}" scales its channels differently; fold it into the first layer before`);
      weights.set(step.name, spreads ? repeated(own, toChannels) : scale);
    } else if (!isLinear(step)) throw refuse(`${stepLabel(step)} treats each channel by itself`);
  }
  if (
    net.tail?.reads.some((value) =>
      valueAt(net.topology, value).segments.some(({ group }) => group === inputGroup),
    )
  )
    throw refuse('its head reads the input too');
  const topology = { ...net.topology, input: { ...net.topology.input, dims: [toChannels, ...size] } };
  return { ...net, topology, widths: [toChannels, ...net.widths.slice(1)], weights };
}

/** Steps for which the sum over channels of the step is the step of the sum. */
const isLinear = (step: TaskNet['topology']['steps'][number]): boolean =>
  step.kind === 'flatten' ||
  (step.kind === 'plain' &&
    (step.op === 'AveragePool' || step.op === 'GlobalAveragePool') &&
    step.inputs.length === 1);

/** Weights that read each of the new channels its share of the old one, or the new one in place of all old ones. */
function columns(weight: Matrix, how: InputAdaptation, channels: number): Matrix {
  const area = weight.cols / channels;
  const parts = how === 'repeat' ? [1] : shares[how];
  const result = matrix(weight.rows, parts.length * area);
  for (let channel = 0; channel < weight.rows; channel += 1) {
    const [from, to] = [row(weight, channel), row(result, channel)];
    for (let at = 0; at < area; at += 1) {
      let sum = 0;
      for (let old = 0; old < channels; old += 1) sum += from[old * area + at] ?? 0;
      for (const [part, share] of parts.entries()) to[part * area + at] = share * sum;
    }
  }
  return result;
}

const repeated = ({ weight, bias }: Weights, times: number): Weights => ({
  weight: matrix(times, 1, new Float64Array(times).fill(weight.data[0] ?? 1)),
  bias: new Float64Array(times).fill(bias[0] ?? 0),
});

/** A scale and shift of several channels as one of a single channel; null where they differ. */
function grey({ weight, bias }: Weights): Weights | null {
  const isEqual = (values: Float64Array): boolean => values.every((value) => value === values[0]);
  return isEqual(weight.data) && isEqual(bias) ? repeated({ weight, bias }, 1) : null;
}
