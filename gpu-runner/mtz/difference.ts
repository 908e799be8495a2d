import type { Convolution, Step } from './topology.ts';

/** What a step is, with its name: `conv "stage1.0"`, `Relu "relu_3"`. */
export function stepLabel(step: Step): string {
  return `${kindOf(step)} "${step.name}"`;
}

function kindOf(step: Step): string {
  switch (step.kind) {
    case 'plain':
      return step.op;
    case 'layer':
      return step.convolution ? 'conv' : 'dense layer';
    case 'channelwise':
      return step.convolution ? 'depthwise conv' : step.perTask ? 'batch normalisation' : 'scale and shift';
    case 'concat':
    case 'select':
    case 'flatten':
      return step.kind;
    default:
      return step satisfies never;
  }
}

/** A sentence that says in what two steps differ, e.g. `conv "c5" of "a" has kernel 3x3, conv "c5" of "b" 5x5`. */
export function difference(a: Step, taskA: string, b: Step, taskB: string): string {
  const [one, other] = [`${stepLabel(a)} of "${taskA}"`, `${stepLabel(b)} of "${taskB}"`];
  const [traits, others] = [traitsOf(a), traitsOf(b)];
  if (kindOf(a) === kindOf(b)) {
    for (const [trait, value] of Object.entries(traits)) {
      const theirs = others[trait] ?? 'none';
      if (theirs !== value) return `${one} has ${trait} ${value}, ${other} ${theirs}`;
    }
    const extra = Object.entries(others).find(([trait]) => traits[trait] === undefined);
    if (extra) return `${one} has no ${extra[0]}, ${other} ${extra[1]}`;
    return `${one} is used otherwise than ${other}`;
  }
  return `"${taskA}" has ${describeWhole(a)}, "${taskB}" ${describeWhole(b)}`;
}

const describeWhole = (step: Step): string => {
  const settings = Object.entries(traitsOf(step)).map(([trait, value]) => `${trait} ${value}`);
  return settings.length === 0 ? stepLabel(step) : `${stepLabel(step)} (${settings.join(', ')})`;
};

/** What two steps of one kind must have alike. */
function traitsOf(step: Step): Record<string, string> {
  switch (step.kind) {
    case 'layer':
    case 'channelwise':
      return step.convolution ? windowTraits(step.convolution) : {};
    case 'plain': {
      const attributes = Object.entries(step.attributes).map(([key, { value }]): [string, string] => [
        key,
        Array.isArray(value) ? value.join('x') : JSON.stringify(value),
      ]);
      const scalars = step.scalars.map((value) => value ?? 'none').join(' and ');
      return { ...Object.fromEntries(attributes), ...(scalars !== '' && { constant: scalars }) };
    }
    case 'concat':
      return { parts: String(step.inputs.length) };
    case 'select':
      return { parts: step.segments.join(' and ') };
    case 'flatten':
      return {};
    default:
      return step satisfies never;
  }
}

const windowTraits = ({ kernel, strides, pads, dilations }: Convolution): Record<string, string> => ({
  kernel: kernel.join('x'),
  strides: strides.join('x'),
  pads: pads.join(),
  dilations: dilations.join('x'),
});
