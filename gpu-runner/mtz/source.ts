import type { Dataset } from '../engine/dataset.ts';
import type { Graph } from '../onnx/graph.ts';

/** A trained network and the samples of its task. */
export interface Source {
  readonly task: string;
  readonly graph: Graph;
  readonly train: Dataset;
  /** Held-out samples: accuracy on them is reported after each layer; floors and early stopping need them. */
  readonly validation?: Dataset;
}
