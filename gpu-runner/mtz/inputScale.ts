import { matrix, row } from '../linalg/matrix.ts';
import { renumbered } from './arrange.ts';
import { inputOf, valueAt, type Channelwise, type Step, type TaskNet, type Weights } from './topology.ts';

/** How a network's own input is made of the one that all networks read: scale * x + shift, for all channels or one a channel. */
export interface InputScale {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/** The step that normalises the input, where everything reads the input through it. */
export function inputScaleOf({ topology, tail }: TaskNet): Channelwise | null {
  const [first, ...others] = topology.steps.filter((step) => inputOf(step).includes(0));
  const isScale = first?.kind === 'channelwise' && first.convolution === null && !first.perTask;
  return isScale && others.length === 0 && tail?.reads.includes(0) !== true ? first : null;
}

export const scalesInput = (net: TaskNet): boolean => inputScaleOf(net) !== null;

/** The network with another step before it that scales the input; by default by 1, which changes nothing. */
export function scaleInput(net: TaskNet, by?: Weights): TaskNet {
  const { topology, weights } = net;
  const [channels = 1] = topology.input.dims;
  const ones = new Float64Array(channels).fill(1);
  const scale = by ?? { weight: matrix(channels, 1, ones), bias: new Float64Array(channels) };
  const after = topology.values.length;
  const names = new Set(topology.steps.map(({ name }) => name));
  let name = 'normalise';
  while (names.has(name)) name += '_';
  const step: Step = {
    kind: 'channelwise',
    name,
    input: 0,
    output: after,
    convolution: null,
    perTask: false,
  };
  return {
    ...net,
    topology: {
      ...topology,
      values: [...topology.values, valueAt(topology, 0)],
      steps: [
        step,
        ...topology.steps.map((other) => renumbered(other, (value) => (value === 0 ? after : value))),
      ],
    },
    weights: new Map([...weights, [name, scale]]),
  };
}

/** The network for another input: it reads scale * x + shift where it read x. */
export function rescaleInput(net: TaskNet, { scale, shift }: InputScale): TaskNet {
  const scaled = scalesInput(net) ? net : withoutShortCut(scaleInput(net));
  const step = inputScaleOf(scaled);
  const own = step && scaled.weights.get(step.name);
  if (!own) throw new Error(`Cannot scale the input of "${net.task}": nothing reads it`);
  const weight = matrix(own.weight.rows, 1, own.weight.data.slice());
  const bias = own.bias.slice();
  for (let channel = 0; channel < weight.rows; channel += 1) {
    const factor = own.weight.data[channel] ?? 1;
    row(weight, channel)[0] = factor * (ofChannel(scale, channel) ?? 1);
    bias[channel] = (bias[channel] ?? 0) + factor * (ofChannel(shift, channel) ?? 0);
  }
  return { ...scaled, weights: new Map([...scaled.weights, [step.name, { weight, bias }]]) };
}

/** The number of a channel, where there may be one for all. */
export const ofChannel = (values: readonly number[], channel: number): number | undefined =>
  values.length === 1 ? values[0] : values[channel];

/** The tail reads the scaled input too. */
function withoutShortCut(net: TaskNet): TaskNet {
  const after = net.topology.values.length - 1;
  return {
    ...net,
    tail: net.tail && { ...net.tail, reads: net.tail.reads.map((value) => (value === 0 ? after : value)) },
  };
}
