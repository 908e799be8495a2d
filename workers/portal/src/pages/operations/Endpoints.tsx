import { Link } from 'wouter';
import { endpointList, type EndpointView } from '../../../../../shared/api.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { usePaged } from '../../api/usePaged.ts';
import { Badge, State } from '../../ui/Badge.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { ErrorState } from '../../ui/ErrorState.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { Table } from '../../ui/Table.tsx';
import { Time } from '../../ui/Value.tsx';

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

/** What is served where. */
export function Endpoints() {
  const list = useEndpoints();
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
          cell: ({ name }) => <Link href={`/operations/endpoints/${name}`}>{name}</Link>,
        },
        {
          head: 'State',
          cell: ({ publishedAt }) =>
            publishedAt === null ? (
              <State tone="warn">Not told to the edge yet</State>
            ) : (
              <State tone="good">Serving</State>
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
        { head: 'Bundles', number: true, cell: ({ tasks }) => new Set(Object.values(tasks)).size },
        { head: 'Revision', number: true, cell: ({ revision }) => revision },
        { head: 'Changed', cell: ({ createdAt }) => <Time at={createdAt} /> },
      ]}
    />
  );
}
