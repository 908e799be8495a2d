import { randomBytes } from 'node:crypto';
import type { Checkpoint, ClaimReply } from '../../../shared/jobs.ts';
import { tinyRecipe } from './work/tinyTask.ts';

const at = '2026-01-02T03:04:05.000Z';

/** A job as its first claim shows it. */
export function jobView(inputs: ClaimReply['inputs'], given: object = {}): ClaimReply['job'] {
  const id = randomBytes(16).toString('hex');
  const common = {
    id,
    project: 'default',
    owner: 'tester',
    priority: 0,
    state: 'leased',
    attempts: 0,
    maxAttempts: 5,
    reason: null,
    cancelRequested: false,
    retryOf: null,
    createdAt: at,
    changedAt: at,
    notBefore: at,
    finishedAt: null,
    runner: null,
    leaseExpiresAt: null,
    progress: null,
    checkpoint: null,
    result: null,
  } as const;
  const pinned = ({ name, version, digest }: { name: string; version: number; digest: string }) => ({
    ...{ name, version, digest },
  });
  const job =
    inputs.kind === 'inspect'
      ? {
          ...common,
          kind: 'inspect' as const,
          request: { kind: inputs.of, ref: inputs.version.name, priority: 0 },
          subject: pinned(inputs.version),
        }
      : {
          ...common,
          kind: inputs.kind,
          request: {
            ...(inputs.kind === 'merge' && { name: 'merged' }),
            sources: inputs.sources.map(({ task, model, data }) => ({
              task,
              model: model.name,
              data: data.name,
            })),
            recipe: tinyRecipe,
          },
          sources: inputs.sources.map(({ task, model, data }) => ({
            task,
            model: pinned(model),
            data: pinned(data),
          })),
        };
  return { ...job, ...given } as ClaimReply['job'];
}

/** What a runner is answered that claims the job. */
export const claimOf = (
  inputs: ClaimReply['inputs'],
  { checkpoint = null, ...view }: { readonly checkpoint?: Checkpoint | null; readonly request?: object } = {},
): ClaimReply => ({
  job: jobView(inputs, view),
  lease: { token: 1, expiresAt: '2099-01-01T00:00:00.000Z' },
  attempt: 1,
  checkpoint,
  inputs,
});
