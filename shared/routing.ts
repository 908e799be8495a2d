import { z } from 'zod';
import { publishedExperiment } from './experiment.ts';
import { defaultProject } from './keys.ts';
import { name, sha256 } from './manifest.ts';

/** A running experiment as the edge reads it, with the number of its phase, which exposures are counted under. */
export const routedExperiment = publishedExperiment.safeExtend({ phase: z.int().min(1) });
export type RoutedExperiment = z.infer<typeof routedExperiment>;

/** What an endpoint serves now, as published to the edge: which bundle answers each task, and for whom another. */
export const routing = z.strictObject({
  endpoint: name,
  /** Keys of other projects do not see it. */
  project: name.default(defaultProject),
  /** Grows by one with every change of `tasks`; clients see it as the model version. */
  revision: z.int().min(1),
  /** What requests outside every experiment get. */
  tasks: z.record(name, z.strictObject({ bundle: sha256 })),
  /**
   * Those running. Several share one layer and one unit source and own disjoint slots of the layer, so a request is in
   * one at most; all their arms answer exactly the tasks above.
   */
  experiments: z.array(routedExperiment).max(16).default([]),
});
export type Routing = z.infer<typeof routing>;
/** A routing as it may have been written: without experiments there are none, without a project it is of the default one. */
export type RoutingInput = z.input<typeof routing>;
