import { isLabelled } from '../engine/dataset.ts';
import { accuracyOf } from './evaluate.ts';
import { brokenFloors, type AccuracyFloors } from './floors.ts';
import type { Network } from './network.ts';
import type { Source } from './source.ts';
import { taskGraph } from './wiring.ts';
import type { ZipEvent, ZipOptions } from './zipOptions.ts';

/** A network after its retraining, and what was measured of it. */
export interface Tried {
  readonly network: Network;
  readonly accuracy?: Readonly<Record<string, number>> | undefined;
  /** The floors that do not hold, by task. */
  readonly broken: Readonly<Record<string, number>>;
}

export const isBroken = ({ broken }: Pick<Tried, 'broken'>): boolean => Object.keys(broken).length > 0;

/** Holds networks against the floors, by the tasks that have labelled validation samples. */
export class Judge {
  private readonly sources: readonly Source[];
  private readonly floors: AccuracyFloors;
  private readonly options: Pick<ZipOptions, 'provider' | 'signal'>;

  constructor(
    sources: readonly Source[],
    floors: AccuracyFloors,
    options: Pick<ZipOptions, 'provider' | 'signal'>,
  ) {
    this.sources = sources;
    this.floors = floors;
    this.options = options;
  }

  /** Whether there is anything that a network could fall below. */
  get hasFloors(): boolean {
    return Object.keys(this.floors).length > 0;
  }

  /** What a network is worth, reported where it was measured. */
  async of(network: Network, report: (event: ZipEvent) => void): Promise<Tried> {
    const accuracy = await this.validate(network);
    if (accuracy) report({ stage: 'validate', accuracy });
    return { network, accuracy, broken: brokenFloors(accuracy ?? {}, this.floors) };
  }

  private async validate(network: Network): Promise<Record<string, number> | undefined> {
    const { provider, signal } = this.options;
    const accuracy: Record<string, number> = {};
    for (const { task, validation } of this.sources) {
      if (!validation || !isLabelled(validation)) continue;
      accuracy[task] = await accuracyOf(taskGraph(network, task), validation, {
        provider,
        ...(signal && { signal }),
      });
    }
    return Object.keys(accuracy).length > 0 ? accuracy : undefined;
  }
}
