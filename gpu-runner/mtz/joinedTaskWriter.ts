import {
  inputsFor,
  keyOf,
  rowsOf,
  type InputBlock,
  type Part,
  type Rows,
  type WeightedStep,
} from './network.ts';
import { contains, single, type TaskSet } from './taskSet.ts';
import { extentOf, homesOf, stepOf, TaskWriter, valueName } from './taskWriter.ts';
import { kernelArea, valueAt, type Channelwise, type Layer, type Step } from './topology.ts';

/** Where some channels lie in the tensor of a value. */
interface Stretch {
  readonly home: TaskSet;
  readonly segment: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Writes what one task computes as its own network would: all its channels of a value lie in one tensor, and a layer is
 * one operator on the weights of all its parts put together. It stores and reads the same weights as {@link TaskWriter}
 * does, in fewer and larger operators.
 */
export class JoinedTaskWriter extends TaskWriter {
  override joined(value: number): string {
    return this.once(`${value} whole`, () => {
      const step = stepOf(this.network, value);
      if (!step) return this.sources.input();
      const name = this.name(valueName(this.network, value, single(this.task)), 'whole');
      this.whole(step, name);
      return name;
    });
  }

  private whole(step: Step, name: string): void {
    const { writer } = this;
    switch (step.kind) {
      case 'layer':
        this.layer(step, name);
        break;
      case 'channelwise':
        this.everyChannel(step, name);
        break;
      case 'plain':
        writer.plain(
          step,
          step.inputs.map((input) => this.joined(input)),
          name,
        );
        break;
      case 'concat':
        this.concat(step.inputs, step.output, name);
        break;
      case 'select': {
        const chosen = this.layout(step.input).filter(({ segment }) => step.segments.includes(segment));
        writer.slices(
          this.joined(step.input),
          chosen.map(({ start, end }) => [start, end]),
          name,
        );
        break;
      }
      case 'flatten':
        writer.graph.addNode('Flatten', [this.joined(step.input)], [name]);
        break;
      default:
        step satisfies never;
    }
  }

  private layer(step: Layer, name: string): void {
    const { network, task } = this;
    const reads = inputsFor(network, step, single(task));
    const rows = homesOf(network, step.output, task).flatMap((home) =>
      rowsOf(network, step).filter(({ tasks }) => tasks === home),
    );
    const weights = rows.map((each, index) => this.weights(step, each, reads, `${name}.weights${index}`));
    this.operator(step, rows, weights, name);
  }

  /** One operator for some blocks of channels, with a tensor of weights each. */
  private operator(
    step: WeightedStep,
    rows: readonly Rows[],
    weights: readonly string[],
    name: string,
  ): void {
    const biases = rows.map((each) => this.biasOf(step, each));
    const operands = [
      this.joined(step.input),
      this.stacked(weights, `${name}.weights`),
      this.stacked(biases, `${name}.biases`),
    ];
    this.writer.apply(step, operands, channelsOf(rows), name);
  }

  /** The weights of some channels from all that the task reads; 0 where the wiring has no edges. */
  private weights(step: Layer, rows: Rows, reads: readonly InputBlock[], name: string): string {
    const { writer } = this;
    const area = kernelArea(step);
    const kernel = step.convolution?.kernel ?? [];
    const pieces = stretchesOf(this.usedOf(rows), reads).map(({ part, from, to }, index) => {
      const [start, end] = [from / area, to / area];
      if (!part) return writer.zeros([channelsOf([rows]), end - start, ...kernel]);
      const whole = writer.weight(step, rows, part);
      if (to - from === part.weight.cols) return whole;
      const piece = `${name}.piece${index}`;
      writer.slices(whole, [[start, end]], piece);
      return piece;
    });
    return this.stacked(pieces, name, 1);
  }

  private everyChannel(step: Channelwise, name: string): void {
    const { network, writer } = this;
    const all = rowsOf(network, step);
    const rows = this.layout(step.output).flatMap(({ home, segment }) =>
      all.filter((each) => each.tasks === home && each.segment === segment),
    );
    const weights = rows.map((each) => {
      const [part] = this.usedOf(each);
      if (!part) throw new Error(`Cannot write "${name}": task ${this.task} has no weights for it`);
      return writer.weight(step, each, part);
    });
    this.operator(step, rows, weights, name);
  }

  private concat(inputs: readonly number[], output: number, name: string): void {
    const { network, writer, task } = this;
    const homes = homesOf(network, output, task);
    const parts = homes.flatMap((home) =>
      inputs.flatMap((input) => {
        const layout = this.layout(input);
        const own = layout.filter((stretch) => stretch.home === home);
        const [first, last] = [own[0], own.at(-1)];
        if (!first || !last) return [];
        if (own.length === layout.length) return [this.joined(input)];
        const piece = `${name}.of${input}.${home}`;
        writer.slices(this.joined(input), [[first.start, last.end]], piece);
        return [piece];
      }),
    );
    writer.concat(parts, name);
  }

  /** Home by home, segment by segment. */
  private layout(value: number): Stretch[] {
    const { network, task } = this;
    let end = 0;
    return homesOf(network, value, task).flatMap((home) =>
      valueAt(network.topology, value).segments.flatMap((_, segment) => {
        const start = end;
        end += extentOf(network, value, segment, home);
        return end > start ? [{ home, segment, start, end }] : [];
      }),
    );
  }

  private usedOf({ parts }: Rows): Part[] {
    return parts.filter(({ use }) => contains(use, single(this.task)));
  }

  private biasOf(step: WeightedStep, rows: Rows): string {
    const biased = this.usedOf(rows).find(({ bias }) => bias !== null);
    const name = biased && this.writer.bias(step, rows, biased);
    return name ?? this.writer.zeros([channelsOf([rows])]);
  }

  private stacked(parts: readonly string[], name: string, axis = 0): string {
    const [only, ...others] = parts;
    if (only !== undefined && others.length === 0) return only;
    this.writer.concat(parts, name, axis);
    return name;
  }
}

const channelsOf = (rows: readonly Rows[]): number =>
  rows.reduce((sum, { parts }) => sum + (parts[0]?.weight.rows ?? 0), 0);

/** Columns from `from` to `to` of a part, or, of no part, so many that have no weights. */
interface Columns {
  readonly part: Part | undefined;
  readonly from: number;
  readonly to: number;
}

/** Where the weights on some blocks, one after the other, are. */
function stretchesOf(parts: readonly Part[], reads: readonly InputBlock[]): Columns[] {
  const found: Columns[] = [];
  for (const read of reads) {
    const part = parts.find(({ inputs }) => inputs.some((input) => keyOf(input) === keyOf(read)));
    const at = part?.inputs.findIndex((input) => keyOf(input) === keyOf(read)) ?? 0;
    const from = part?.inputs.slice(0, at).reduce((sum, { columns }) => sum + columns, 0) ?? 0;
    const last = found.at(-1);
    if (last && last.part === part && last.to === from)
      found[found.length - 1] = { ...last, to: from + read.columns };
    else found.push({ part, from, to: from + read.columns });
  }
  return found;
}
