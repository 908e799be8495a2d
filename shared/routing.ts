import { z } from 'zod';
import { name, sha256 } from './manifest.ts';

/** What an endpoint serves now, as published to the edge: which bundle answers each task. */
export const routing = z.strictObject({
  endpoint: name,
  /** Grows by one with every change; clients see it as the model version. */
  revision: z.int().min(1),
  tasks: z.record(name, z.strictObject({ bundle: sha256 })),
});
export type Routing = z.infer<typeof routing>;
