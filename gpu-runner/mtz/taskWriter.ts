import { blocksOfTask, layerAt, type Block, type Network } from './network.ts';
import type { NetworkWriter } from './networkWriter.ts';
import { allOf, label, type TaskSet } from './taskSet.ts';

export interface TaskSources {
  /** Called once, where the first layer is needed. */
  readonly input: () => string;
  /** The value of a block that need not be written, if any. Asked once a block. */
  readonly tap?: (index: number, block: Block) => string | undefined;
  /** Tells the values of one task from another's in the same graph. */
  readonly rename?: (name: string) => string;
}

/** What a block's value is called, after the operators that follow the layer, e.g. "conv1.digit+fashion". */
export const valueName = (network: Network, index: number, block: Block): string =>
  `${layerAt(network, index).shape.name}.${label(block.tasks, network.tasks)}`;

/** Writes what one task computes: each block where it is first read, once. */
export class TaskWriter {
  private readonly writer: NetworkWriter;
  private readonly network: Network;
  private readonly task: number;
  private readonly sources: TaskSources;
  private readonly values = new Map<string, string>();
  private prepared: string | undefined;

  constructor(writer: NetworkWriter, network: Network, task: number, sources: TaskSources) {
    this.writer = writer;
    this.network = network;
    this.task = task;
    this.sources = sources;
  }

  /** The task's logits, under its name. */
  logits(): string {
    const last = this.network.layers.length - 1;
    const [block] = blocksOfTask(layerAt(this.network, last), this.task);
    const name = this.network.tasks[this.task];
    if (!block || name === undefined)
      throw new Error(`Cannot write task ${this.task}: the network does not have it`);
    return this.write(last, block, name);
  }

  /** The values that layer `index` can read for the task, or those of them that `reader` reads. */
  inputs(index: number, reader?: Block): Map<TaskSet, string> {
    if (index === 0) {
      this.prepared ??= this.sources.input();
      return new Map([[allOf(this.network.tasks.length), this.prepared]]);
    }
    const below = blocksOfTask(layerAt(this.network, index - 1), this.task);
    return new Map(
      below
        .filter(({ tasks }) => !reader || reader.edges.has(tasks))
        .map((block) => [block.tasks, this.value(index - 1, block)]),
    );
  }

  private value(index: number, block: Block): string {
    const name = valueName(this.network, index, block);
    let value = this.values.get(name);
    if (value === undefined) {
      const { tap, rename } = this.sources;
      value = tap?.(index, block) ?? this.write(index, block, rename ? rename(name) : name);
      this.values.set(name, value);
    }
    return value;
  }

  private write(index: number, block: Block, name: string): string {
    return this.writer.block(index, block, this.inputs(index, block), name);
  }
}
