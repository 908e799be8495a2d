import { matrix } from '../linalg/matrix.ts';
import { foldInputNormalisation } from './foldInputNormalisation.ts';
import { inputScaleOf, scaleInput, scalesInput } from './inputScale.ts';
import type { TaskNet, Weights } from './topology.ts';

/**
 * The network reading its input through a given scale and shift, as the networks do that it is added to, so that they can
 * do that once; its first layers do what is left between it and the network's own normalisation. Exact but for the border
 * of padded convolutions; a note says by how much. Where not only layers read the input, the network keeps a step of its own.
 */
export function throughScale(net: TaskNet, through: Weights): TaskNet {
  const scaled = scalesInput(net) ? net : scaleInput(net);
  const step = inputScaleOf(scaled);
  const own = step && scaled.weights.get(step.name);
  const rest = own && remaining(own, through);
  if (!step || !rest) return scaled;
  const { net: folded } = foldInputNormalisation({
    ...scaled,
    weights: new Map(scaled.weights).set(step.name, rest),
  });
  return scalesInput(folded) ? scaled : scaleInput(folded, through);
}

/** What is to be done after `through` to have done `own`; null where that lost a channel, or has others. */
function remaining(own: Weights, through: Weights): Weights | null {
  const channels = own.bias.length;
  if (through.bias.length !== channels || through.weight.data.includes(0)) return null;
  const scale = own.weight.data.map((value, channel) => value / (through.weight.data[channel] ?? 1));
  const bias = own.bias.map((value, channel) => value - (scale[channel] ?? 1) * (through.bias[channel] ?? 0));
  return { weight: matrix(channels, 1, scale), bias };
}
