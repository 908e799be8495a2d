import { contentOperations } from './operations-content.ts';
import { experimentOperations } from './operations-experiments.ts';
import { jobOperations } from './operations-jobs.ts';
import { keyOperations } from './operations-keys.ts';
import { registryOperations } from './operations-registry.ts';
import type { OperationGroup } from './operation.ts';

/** Every route there is. */
export const operationGroups: readonly OperationGroup[] = [
  ...keyOperations,
  ...contentOperations,
  ...registryOperations,
  ...jobOperations,
  ...experimentOperations,
];
