import { mergeModels } from '../mergeModels.ts';
import { inspectJob } from './inspectJob.ts';
import type { PerformJob } from './job.ts';
import { mergeJob } from './mergeJob.ts';
import { planJob } from './planJob.ts';

/** Does a job of whatever kind. @throws {JobError} */
export const performJob: PerformJob = async (context) => {
  const { kind } = context.claim.inputs;
  switch (kind) {
    case 'inspect':
      return inspectJob(context);
    case 'merge':
      return mergeJob(context, mergeModels);
    case 'plan':
      return planJob(context);
    default:
      return kind satisfies never;
  }
};
