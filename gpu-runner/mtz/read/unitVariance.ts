import type { Draft, DraftStep } from './draft.ts';

/** Operators for which scaling a channel before or after them, by a positive number, is the same. */
const equivariant = new Set(['MaxPool', 'AveragePool', 'GlobalAveragePool']);
const linear = new Set(['Add', 'Sub']);

/**
 * Gives channels unit variance that only scales and shifts by channel read, batch normalisations among them: in DenseNets and
 * pre-activation ResNets, whose convolutions are normalised by several readers and so cannot be by themselves. Such a
 * channel's scale is arbitrary, for its readers undo it, but what sharing it costs would depend on it. Through concatenations,
 * selections, pools and sums all that is the same channel is scaled by one number, the inverse of the mean running deviation
 * that its readers know; they take the number back. The network computes what it did.
 *
 * @param ends values that are read by what is not in the draft
 */
export function toUnitVariance(draft: Draft, ends: readonly number[]): void {
  const steps = needed(draft, ends);
  const scales = new Scales();
  const channels = followed(draft, steps, ends, scales);
  const factors = (value: number): Float64Array | undefined => {
    const own = channels.get(value)?.map((channel) => scales.factor(channel));
    return own?.some((factor) => factor !== 1) ? Float64Array.from(own) : undefined;
  };
  for (const step of steps) {
    if (step.kind !== 'layer' && step.kind !== 'channelwise') continue;
    const [before, after] = [step.kind === 'channelwise' && factors(step.input), factors(step.output)];
    if (before) draft.unscaleInput(step.output, before);
    if (after) draft.rescale(step.output, after, new Float64Array(after.length));
  }
}

/** The steps that the ends depend on, in order. */
function needed(draft: Draft, ends: readonly number[]): DraftStep[] {
  const wanted = new Set(ends);
  return draft.steps
    .toReversed()
    .filter((step) => {
      if (!wanted.has(step.output)) return false;
      for (const input of 'inputs' in step ? step.inputs : [step.input]) wanted.add(input);
      return true;
    })
    .reverse();
}

/** The channels of {@link Scales} that values are made of; values that are not here have none whose scale is free. */
function followed(
  draft: Draft,
  steps: readonly DraftStep[],
  ends: readonly number[],
  scales: Scales,
): Map<number, readonly number[]> {
  const channels = new Map<number, readonly number[]>();
  const made = (value: number): void => {
    const { length } = draft.weightsOf(value).bias;
    channels.set(
      value,
      Array.from({ length }, () => scales.add()),
    );
  };
  const of = (value: number): readonly number[] => {
    const known = channels.get(value);
    if (known) return known;
    const fixed = Array.from({ length: draft.elements(value) }, () => scales.add());
    channels.set(value, fixed);
    for (const channel of fixed) scales.fix(channel);
    return fixed;
  };
  const fix = (value: number): void => channels.get(value)?.forEach((channel) => scales.fix(channel));
  for (const step of steps) {
    switch (step.kind) {
      case 'layer':
        fix(step.input);
        made(step.output);
        break;
      case 'channelwise': {
        const deviations = draft.deviations.get(step.output);
        of(step.input).forEach((channel, index) => scales.read(channel, deviations?.[index]));
        made(step.output);
        break;
      }
      case 'concat':
        channels.set(step.output, step.inputs.flatMap(of));
        break;
      case 'select':
        channels.set(step.output, of(step.input).slice(step.start, step.end));
        break;
      case 'plain': {
        const [first = 0, second] = step.inputs;
        if (second === undefined ? equivariant.has(step.op) : linear.has(step.op)) {
          if (second !== undefined)
            of(second).forEach((channel, index) => scales.tie(channel, of(first)[index] ?? channel));
          channels.set(step.output, of(first));
        } else step.inputs.forEach(fix);
        break;
      }
      case 'flatten':
        fix(step.input);
        break;
      default:
        step satisfies never;
    }
  }
  ends.forEach(fix);
  return channels;
}

/** By what channels are scaled, those that are added together by one number. */
class Scales {
  private readonly same: number[] = [];
  private readonly fixed = new Set<number>();
  /** Running deviations that the readers of a channel know. */
  private readonly deviations: number[][] = [];

  add(): number {
    this.deviations.push([]);
    return this.same.push(this.same.length) - 1;
  }

  fix(channel: number): void {
    this.fixed.add(this.root(channel));
  }

  read(channel: number, deviation: number | undefined): void {
    if (deviation !== undefined) this.deviations[this.root(channel)]?.push(deviation);
  }

  tie(one: number, other: number): void {
    const [a, b] = [this.root(one), this.root(other)];
    if (a === b) return;
    this.same[b] = a;
    this.deviations[a]?.push(...(this.deviations[b] ?? []));
    if (this.fixed.has(b)) this.fixed.add(a);
  }

  /** 1 where the scale is not free or nothing is known of it. */
  factor(channel: number): number {
    const root = this.root(channel);
    const known = this.deviations[root] ?? [];
    const mean = known.reduce((sum, deviation) => sum + deviation, 0) / known.length;
    return !this.fixed.has(root) && mean > 0 && mean < Infinity ? 1 / mean : 1;
  }

  private root(channel: number): number {
    let at = channel;
    for (let next = this.same[at] ?? at; next !== at; next = this.same[at] ?? at) at = next;
    return at;
  }
}
