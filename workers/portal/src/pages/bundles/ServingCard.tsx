import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { EndpointView } from '../../../../../shared/api.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { take } from '../../api/usePaged.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Table } from '../../ui/Table.tsx';
import { notify } from '../../ui/Toast.tsx';
import { Time } from '../../ui/Value.tsx';
import { servedBy, type Serving } from './bundleView.ts';
import { findEndpoint, revisionBefore } from './publish.ts';
import type { BundleContent } from './useBundle.ts';

const mostEndpoints = 200;

/** Where this bundle answers requests now, and the way back. */
export function ServingCard({ content }: { readonly content: BundleContent }) {
  const { client } = useApi();
  const queries = useQueryClient();
  const endpoints = useQuery({
    queryKey: ['endpoints-all'],
    queryFn: () => take(client.endpoints.list(), mostEndpoints),
  });
  const rollBack = async ({ name }: EndpointView): Promise<void> => {
    const now = await findEndpoint(client, name);
    if (now === null) throw new Error(`Endpoint ${name} is gone.`);
    const before = revisionBefore(now);
    if (before === null)
      throw new Error(`Endpoint ${name} never served anything else: delete it under Operations instead.`);
    const set = await client.endpoints.set(name, before.tasks, now.revision);
    const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ['endpoints-all'] });
    await refresh();
    notify(`Endpoint ${name} serves what revision ${before.revision} served`, {
      undo: async () => {
        await client.endpoints.set(name, now.tasks, set.revision);
        await refresh();
      },
    });
  };
  return (
    <Card title="Serving">
      <Loaded query={endpoints} lines={1}>
        {(all) => {
          const serving = servedBy(all, content.id);
          return serving.length === 0 ? (
            <p className="muted">
              No endpoint serves this version. Publish it to one, then try it in the playground.
            </p>
          ) : (
            <Table<Serving>
              caption="Endpoints that serve this bundle"
              rows={serving}
              rowKey={({ endpoint }) => endpoint.name}
              columns={[
                {
                  head: 'Endpoint',
                  cell: ({ endpoint }) => (
                    <Link href={`/playground?endpoint=${endpoint.name}`}>{endpoint.name}</Link>
                  ),
                },
                { head: 'Tasks', cell: ({ tasks }) => tasks.join(', '), grow: true },
                { head: 'Revision', cell: ({ endpoint }) => endpoint.revision, number: true },
                { head: 'Since', cell: ({ endpoint }) => <Time at={endpoint.createdAt} /> },
                {
                  head: '',
                  cell: ({ endpoint }) => (
                    <span className="row">
                      <ButtonLink small to={`/playground?endpoint=${endpoint.name}`}>
                        Try it
                      </ButtonLink>
                      <Confirm
                        trigger={<Button small>Roll back</Button>}
                        title={`Roll ${endpoint.name} back?`}
                        description="It serves again what it served before this revision. Clients notice nothing but other answers."
                        action="Roll back"
                        onConfirm={() => rollBack(endpoint)}
                      />
                    </span>
                  ),
                },
              ]}
            />
          );
        }}
      </Loaded>
    </Card>
  );
}
