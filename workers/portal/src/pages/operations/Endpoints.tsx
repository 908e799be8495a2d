import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { endpointList, type EndpointView } from '../../../../../shared/api.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { take, usePaged } from '../../api/usePaged.ts';
import { Badge, State } from '../../ui/Badge.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { ErrorState } from '../../ui/ErrorState.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { Table } from '../../ui/Table.tsx';
import { Count } from '../../ui/Value.tsx';
import { errorRate, errorsText, latencyText, ranges, startOf } from './trafficView.ts';

export function useEndpoints() {
  const { client } = useApi();
  return usePaged(['endpoints', 'list'], async (cursor: string | null) => {
    const path = ['v1', 'endpoints'];
    const { endpoints, next } = await client.http.read(endpointList, {
      method: 'GET',
      path,
      query: { cursor },
    });
    return { rows: endpoints, next };
  });
}

/** Endpoints whose traffic is shown at most. */
const counted = 500;

/** What came to each endpoint in the last hour and day, by its name. */
function useTraffic() {
  const { client } = useApi();
  const { data } = useQuery({
    queryKey: ['endpoints', 'traffic', 'all'],
    refetchInterval: 30_000,
    queryFn: async () => {
      const now = Date.now();
      const [hour, day] = await Promise.all(
        ranges.slice(0, 2).map(async (range) => {
          const { resolution } = range;
          const rows = client.endpoints.trafficOfAll({ from: startOf(range, now), resolution });
          return new Map((await take(rows, counted)).map((one) => [one.endpoint, one]));
        }),
      );
      return { hour, day };
    },
  });
  return { hour: data?.hour, day: data?.day };
}

/** What is served where, and how much is asked of it. */
export function Endpoints() {
  const list = useEndpoints();
  const { hour, day } = useTraffic();
  if (list.data === undefined)
    return list.error === null ? (
      <Skeleton lines={4} />
    ) : (
      <ErrorState error={list.error} onRetry={() => void list.refetch()} />
    );
  if (list.rows.length === 0)
    return (
      <EmptyState title="Nothing is served yet" action={<ButtonLink to="/bundles">Bundles</ButtonLink>}>
        Publish a bundle to an endpoint: clients call the endpoint by its name from then on.
      </EmptyState>
    );
  return (
    <Table<EndpointView>
      caption="Endpoints"
      rows={list.rows}
      rowKey={({ name }) => name}
      paging={list.paging}
      columns={[
        {
          head: 'Endpoint',
          cell: ({ name, publishedAt }) => (
            <>
              <Link href={`/operations/endpoints/${name}`}>{name}</Link>
              <div>
                {publishedAt === null ? (
                  <State tone="warn">Not told to the edge yet</State>
                ) : (
                  <State tone="good">Serving</State>
                )}
              </div>
            </>
          ),
        },
        {
          head: 'Tasks',
          grow: true,
          cell: ({ tasks }) => (
            <span className="row">
              {Object.keys(tasks).map((task) => (
                <Badge key={task}>{task}</Badge>
              ))}
            </span>
          ),
        },
        {
          head: 'Requests',
          number: true,
          cell: ({ name }) => {
            const [last, whole] = [hour?.get(name), day?.get(name)];
            if (last === undefined || whole === undefined) return '';
            return (
              <>
                <div>
                  <Count value={last.requests} /> last hour
                </div>
                <div>
                  <Count value={whole.requests} /> last day
                </div>
              </>
            );
          },
        },
        {
          head: 'Refused',
          number: true,
          cell: ({ name }) => {
            const figures = day?.get(name);
            if (figures === undefined) return '';
            return <span title={errorsText(figures.errors) || undefined}>{errorRate(figures)}</span>;
          },
        },
        {
          head: 'Latency',
          number: true,
          cell: ({ name }) => {
            const figures = day?.get(name);
            if (figures === undefined) return '';
            if (figures.latencyMs === null) return '–';
            return (
              <>
                <div>p50 {latencyText(figures, 'p50')}</div>
                <div>p95 {latencyText(figures, 'p95')}</div>
              </>
            );
          },
        },
      ]}
    />
  );
}
