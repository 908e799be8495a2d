import { matrix } from '../linalg/matrix.ts';
import { renumbered } from './arrange.ts';
import { inputOf, valueAt, type Channelwise, type Step, type TaskNet, type Weights } from './topology.ts';

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
