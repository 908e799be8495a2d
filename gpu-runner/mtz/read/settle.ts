import { selectRows } from '../../linalg/matrix.ts';
import { type Step, type Weights } from '../topology.ts';
import type { Draft, DraftStep } from './draft.ts';

/**
 * Cuts the layers of a draft, now that all borders between its channels are known: a layer whose channels fall into
 * several groups becomes one layer a group, their outputs concatenated.
 */
export class Settled {
  /** In an order in which they can be computed; values are numbered as in the draft, and on from there. */
  readonly steps: Step[] = [];
  readonly sizes: Map<number, readonly number[]>;
  /** By step. */
  readonly weights = new Map<string, Weights>();
  private readonly draft: Draft;
  private readonly concats = new Map<number, readonly number[]>();
  private readonly aliases = new Map<number, number>();
  private readonly lengths = new Map<number, readonly number[]>();

  constructor(draft: Draft) {
    this.draft = draft;
    this.sizes = new Map(draft.values.map(({ size }, index) => [index, size]));
    for (const step of draft.steps) this.add(step);
  }

  /** The value that stands for one of the draft. */
  valueOf(value: number): number {
    return this.aliases.get(value) ?? value;
  }

  private add(step: DraftStep): void {
    switch (step.kind) {
      case 'layer':
        this.layer({ ...step, input: this.valueOf(step.input) });
        break;
      case 'channelwise':
        this.weights.set(step.name, this.draft.weightsOf(step.output));
        this.steps.push({ ...step, input: this.valueOf(step.input) });
        break;
      case 'select':
        this.select(step.name, this.valueOf(step.input), step.start, step.end, step.output);
        break;
      case 'concat':
        this.concat(
          step.name,
          step.inputs.map((input) => this.valueOf(input)),
          step.output,
        );
        break;
      case 'flatten':
        this.steps.push({ ...step, input: this.valueOf(step.input) });
        break;
      case 'plain':
        this.steps.push({ ...step, inputs: step.inputs.map((input) => this.valueOf(input)) });
        break;
      default:
        step satisfies never;
    }
  }

  private layer({ groups, ...step }: DraftStep & { kind: 'layer' }): void {
    const weights = this.draft.weightsOf(step.output);
    const widths = this.segments(step.output);
    if (widths.length === 1 && groups === 1) {
      this.weights.set(step.name, weights);
      this.steps.push(step);
      return;
    }
    const inputs = this.segments(step.input).reduce((sum, elements) => sum + elements, 0);
    const channels = weights.bias.length;
    const read = Array.from({ length: groups }, (_, group) => {
      if (groups === 1) return step.input;
      const output = this.fresh(step.input, []);
      const [start, end] = [(group * inputs) / groups, ((group + 1) * inputs) / groups];
      this.select(`${step.name}.input.${group}`, step.input, start, end, output);
      return this.valueOf(output);
    });
    let start = 0;
    const outputs = widths.map((width, index) => {
      const name = `${step.name}.${index}`;
      const rows = Array.from({ length: width }, (_, row) => start + row);
      const bias = weights.bias.slice(start, start + width);
      this.weights.set(name, { weight: selectRows(weights.weight, rows), bias });
      const output = this.fresh(step.output, [width]);
      const input = read[Math.floor((start * groups) / channels)] ?? step.input;
      this.steps.push({ ...step, name, input, output });
      start += width;
      return output;
    });
    this.concat(`${step.name}.joined`, outputs, step.output);
  }

  /** Makes `output` of some elements of another value; where that was concatenated, of what it was concatenated from. */
  private select(name: string, input: number, start: number, end: number, output: number): void {
    let at = 0;
    const taken = (this.concats.get(input) ?? [input]).flatMap((source) => {
      const lengths = this.segments(source);
      const segments = lengths.flatMap((elements, index) => {
        at += elements;
        return at - elements >= start && at <= end ? [index] : [];
      });
      if (segments.length === 0) return [];
      return [{ source, segments, isWhole: segments.length === lengths.length }];
    });
    const isOnly = taken.length === 1;
    const values = taken.map(({ source, segments, isWhole }, index) => {
      if (isWhole) return source;
      const lengths = segments.map((segment) => this.segments(source)[segment] ?? 0);
      const value = isOnly ? output : this.fresh(source, lengths);
      const part = isOnly ? name : `${name}.${index}`;
      this.steps.push({ kind: 'select', name: part, input: source, segments, output: value });
      if (isOnly) this.lengths.set(output, lengths);
      return value;
    });
    const [only = input] = values;
    if (!isOnly) this.concat(name, values, output);
    else if (only !== output) this.aliases.set(output, only);
  }

  private concat(name: string, inputs: readonly number[], output: number): void {
    this.steps.push({ kind: 'concat', name, inputs, output });
    this.concats.set(output, inputs);
    this.lengths.set(
      output,
      inputs.flatMap((input) => this.segments(input)),
    );
  }

  /** Elements of each segment of a value. */
  private segments(value: number): readonly number[] {
    const known = this.lengths.get(value);
    if (known) return known;
    const { axes } = this.draft;
    const pieces = axes.pieces(this.draft.value(value).stretches);
    const lengths = pieces.map(({ axis, area }) => axes.channels(axis) * area);
    this.lengths.set(value, lengths);
    return lengths;
  }

  private fresh(like: number, lengths: readonly number[]): number {
    const value = this.sizes.size;
    this.sizes.set(value, this.sizes.get(like) ?? []);
    this.lengths.set(value, lengths);
    return value;
  }
}
