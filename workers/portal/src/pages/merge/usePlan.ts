import { useMutation, useQuery } from '@tanstack/react-query';
import { isFinal, type PlanResult } from '../../../../../shared/jobs.ts';
import type { PlanJob } from '../../../../../client/jobs.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { pickedSources, planRecipe, type MergeForm } from './mergeForm.ts';

const pollMs = 1000;

export interface Plan {
  readonly ask: (form: MergeForm, of: PlanResult['of']) => void;
  /** What the last plan was asked for: when it is not what the form says now, the plan is old. */
  readonly askedFor: string | null;
  readonly job: PlanJob | null;
  readonly result: PlanResult | null;
  readonly busy: boolean;
  readonly error: unknown;
}

/** What a plan depends on, in one text. */
export const planKey = (form: MergeForm): string => JSON.stringify([pickedSources(form), form.wiring]);

/** Asks for plans and follows the last one. */
export function usePlan(): Plan {
  const { client } = useApi();
  const asking = useMutation({
    mutationFn: async ({ form, of }: { form: MergeForm; of: PlanResult['of'] }) => {
      const asked = { sources: pickedSources(form), recipe: planRecipe(form, of), priority: 5 };
      const job = await client.jobs.plan(asked);
      return { job, askedFor: planKey(form) };
    },
  });
  const id = asking.data?.job.id;
  const watched = useQuery({
    queryKey: ['job', id ?? ''],
    queryFn: async () => (await client.jobs.get(id ?? '')) as PlanJob,
    enabled: id !== undefined,
    refetchInterval: ({ state }) => (state.data && isFinal(state.data.state) ? false : pollMs),
  });
  const job = id === undefined ? null : (watched.data ?? asking.data?.job ?? null);
  const failed = job?.state === 'failed' || job?.state === 'cancelled';
  return {
    ask: (form, of) => asking.mutate({ form, of }),
    askedFor: asking.data?.askedFor ?? null,
    job,
    result: job?.result ?? null,
    busy: asking.isPending || (job !== null && !isFinal(job.state)),
    error: asking.error ?? watched.error ?? (failed ? new Error(job.reason ?? 'The plan failed.') : null),
  };
}
