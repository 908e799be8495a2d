import { useQuery } from '@tanstack/react-query';
import { report as reportSchema, type Report } from '../../../../../shared/report.ts';
import { take } from '../../api/usePaged.ts';
import { useApi } from '../../api/ApiContext.tsx';

/** Merges that are looked through for the one that made a bundle. */
const mostMerges = 200;

/**
 * What was measured on the machine that merged a bundle. It is told by the job, not by the bundle: the same merge is the
 * same bundle, however fast the machine.
 */
export function useMeasurement(bundle: string): Pick<Report, 'figures' | 'environment'> | null {
  const { client } = useApi();
  const { data } = useQuery({
    queryKey: ['bundle-measured', bundle],
    staleTime: Infinity,
    queryFn: async (): Promise<Report | null> => {
      const jobs = await take(client.jobs.list({ kind: 'merge', state: 'succeeded' }), mostMerges);
      const made = jobs.find((job) => job.kind === 'merge' && job.result?.bundle === bundle);
      if (made?.kind !== 'merge' || made.result?.report == null) return null;
      const parsed = reportSchema.safeParse(await (await client.blob(made.result.report)).json());
      return parsed.success ? parsed.data : null;
    },
  });
  return data ?? null;
}
