import { matrix } from '../linalg/matrix.ts';
import { elementsOf } from './arrange.ts';
import { valueAt, type Plain, type Step, type TaskNet, type Topology, type Weights } from './topology.ts';

/** x * c or x + c, c one number for all channels. */
export interface ScalarStep extends Plain {
  readonly op: 'Mul' | 'Add';
}

/** Whether a step only scales or shifts, so that a scale and shift by channel can take its place. */
export function isScalarStep(step: Step, topology: Topology): step is ScalarStep {
  return (
    step.kind === 'plain' &&
    (step.op === 'Mul' || step.op === 'Add') &&
    step.inputs.length === 1 &&
    valueAt(topology, step.output).segments.every(({ area }) => area === 1)
  );
}

/** The same step as one that has weights: for networks that differ in the number, which then is learned. */
export const withWeights = ({ name, inputs, output }: ScalarStep): Step => ({
  kind: 'channelwise',
  name,
  input: inputs[0] ?? 0,
  output,
  convolution: null,
  perTask: false,
});

/** The weights of {@link withWeights} that do what the step does. */
export function scalarWeights({ op, output, scalars }: ScalarStep, net: TaskNet): Weights {
  const channels = elementsOf(valueAt(net.topology, output), net.widths);
  const number = scalars[0] ?? 0;
  const [scale, shift] = op === 'Mul' ? [number, 0] : [1, number];
  return {
    weight: matrix(channels, 1, new Float64Array(channels).fill(scale)),
    bias: new Float64Array(channels).fill(shift),
  };
}
