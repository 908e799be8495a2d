import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { experimentList } from '../../../../../shared/experiment-api.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { Card } from '../../ui/Card.tsx';
import { formatDuration, formatExact, formatPercent } from '../../ui/format.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { Table } from '../../ui/Table.tsx';
import { trafficRows, type TrafficRow } from './armTraffic.ts';

/** Experiments asked for their counts at most. */
const shown = 5;

/** Requests, errors and latency percentiles arm by arm, where an experiment runs or ran; nothing where none did. */
export function ArmTraffic({ endpoint }: { readonly endpoint: string }) {
  const { client } = useApi();
  const query = useQuery({
    queryKey: ['endpoints', 'arms', endpoint],
    refetchInterval: 30_000,
    queryFn: async () => {
      const path = ['v1', 'experiments'];
      const { experiments } = await client.http.read(experimentList, { method: 'GET', path });
      const own = experiments
        .filter((one) => one.endpoint === endpoint && one.state !== 'draft')
        .slice(0, shown);
      const reports = await Promise.all(own.map(({ experiment }) => client.experimentReport(experiment)));
      return reports.flatMap(trafficRows);
    },
  });
  if (query.data?.length === 0) return null;
  return (
    <Card title="By arm" hint="Of the experiments that run or ran here.">
      <Loaded query={query}>
        {(rows) => (
          <Table<TrafficRow>
            caption={`Traffic of ${endpoint} by arm`}
            rows={rows}
            rowKey={({ experiment, arm }) => `${experiment} ${arm}`}
            columns={[
              { head: 'Arm', cell: ({ arm }) => arm },
              {
                head: 'Experiment',
                cell: ({ experiment }) => <Link href={`/experiments/${experiment}`}>{experiment}</Link>,
              },
              { head: 'Requests', number: true, cell: ({ requests }) => formatExact(requests) },
              {
                head: 'Errors',
                number: true,
                cell: ({ errors, requests, errorText }) => (
                  <span title={errorText === '' ? undefined : errorText}>
                    {errors === 0
                      ? '0'
                      : `${formatExact(errors)} (${formatPercent(errors / Math.max(1, requests))})`}
                  </span>
                ),
              },
              { head: 'Cold', number: true, cell: ({ cold }) => formatExact(cold) },
              {
                head: 'Latency',
                number: true,
                cell: ({ latency }) =>
                  latency.length === 0
                    ? '—'
                    : latency
                        .map(({ quantile, ms }) => `p${Math.round(quantile * 100)} ${formatDuration(ms)}`)
                        .join(', '),
              },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}
