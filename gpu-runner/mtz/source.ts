import type { Dataset } from '../engine/dataset.ts';
import type { Graph } from '../onnx/graph.ts';
import type { InputScale } from './inputScale.ts';

/** A trained network and the samples of its task. */
export interface Source {
  readonly task: string;
  readonly graph: Graph;
  /** Where the samples are made for other networks than this: what it reads in their place. */
  readonly inputScale?: InputScale | undefined;
  readonly train: Dataset;
  /** Held-out samples: accuracy on them is reported after each layer; floors and early stopping need them. */
  readonly validation?: Dataset;
}
