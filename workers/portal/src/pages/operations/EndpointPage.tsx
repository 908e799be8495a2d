import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { endpointDetail, type EndpointDetail, type RevisionView } from '../../../../../shared/api.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { usePaged } from '../../api/usePaged.ts';
import { Badge, State } from '../../ui/Badge.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Card, Facts } from '../../ui/Card.tsx';
import { CodeBlock } from '../../ui/CodeBlock.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Page } from '../../ui/Page.tsx';
import { Table } from '../../ui/Table.tsx';
import { notify, notifyError } from '../../ui/Toast.tsx';
import { Time } from '../../ui/Value.tsx';
import { ArmTraffic } from './ArmTraffic.tsx';
import { BundleLink, useBundleNames } from './bundleNames.tsx';
import { EndpointTraffic } from './EndpointTraffic.tsx';

export default function EndpointPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name ?? '';
  const { client } = useApi();
  const endpoint = useQuery({
    queryKey: ['endpoints', 'one', name],
    queryFn: () => client.endpoints.get(name),
    refetchInterval: 15_000,
  });
  return (
    <Page
      title={name}
      crumbs={[
        ['Operations', '/operations'],
        ['Endpoints', '/operations?tab=endpoints'],
      ]}
      subtitle={
        endpoint.data &&
        (endpoint.data.publishedAt === null ? (
          <State tone="warn">Revision {endpoint.data.revision} is not told to the edge yet</State>
        ) : (
          <State tone="good">
            Serving revision {endpoint.data.revision}, since <Time at={endpoint.data.publishedAt} />
          </State>
        ))
      }
      actions={
        <ButtonLink to={`/playground?endpoint=${name}`} kind="primary">
          Try it
        </ButtonLink>
      }
    >
      <Loaded query={endpoint} lines={6}>
        {(one) => <Endpoint endpoint={one} />}
      </Loaded>
    </Page>
  );
}

function Endpoint({ endpoint }: { readonly endpoint: EndpointDetail }) {
  const { client } = useApi();
  const queries = useQueryClient();
  const bundles = useBundleNames();
  const [, navigate] = useLocation();
  const { name, tasks, revision } = endpoint;
  const history = usePaged(['endpoints', 'history', name, revision], async (cursor: number | null) => {
    const path = ['v1', 'endpoints', name];
    const page = await client.http.read(endpointDetail, { method: 'GET', path, query: { cursor } });
    return { rows: page.history, next: page.next };
  });

  /** From what is there now: somebody else's change in between is not written over. */
  const serve = async (to: Readonly<Record<string, string>>): Promise<void> => {
    const { revision: now } = await client.endpoints.get(name);
    await client.endpoints.set(name, to, now);
    await queries.invalidateQueries({ queryKey: ['endpoints'] });
  };
  const rollBack = async (to: RevisionView): Promise<void> => {
    await client.endpoints.set(name, to.tasks, revision);
    await queries.invalidateQueries({ queryKey: ['endpoints'] });
    notify(`${name} serves what revision ${to.revision} served`, { undo: () => serve(tasks) });
  };

  return (
    <>
      <div className="grid">
        <Card title="Answers">
          <Facts
            items={Object.entries(tasks).map(([task, bundle]) => [
              task,
              <BundleLink key={task} id={bundle} names={bundles} />,
            ])}
          />
        </Card>
        <Card title="Call it" hint="With a key of scope infer; the edge’s own address is nearer to clients.">
          <CodeBlock
            label="Ask what it reads and answers"
            code={`curl ${location.origin}/v2/models/${name} \\\n  -H "Authorization: Bearer $TRUNKLINE_KEY"`}
          />
        </Card>
      </div>
      <EndpointTraffic endpoint={name} />
      <ArmTraffic endpoint={name} />
      <Card title="Revisions" hint="Going back makes a new revision; nothing of the history is lost.">
        <Loaded query={history}>
          {() => (
            <Table<RevisionView>
              caption={`Revisions of ${name}`}
              rows={history.rows}
              rowKey={(row) => row.revision}
              paging={history.paging}
              columns={[
                {
                  head: 'Revision',
                  cell: (row) => (
                    <span className="row">
                      {row.revision} {row.revision === revision && <Badge tone="good">now</Badge>}
                    </span>
                  ),
                },
                {
                  head: 'Served',
                  grow: true,
                  cell: (row) => (
                    <span className="row">
                      {Object.entries(row.tasks).map(([task, bundle]) => (
                        <span key={task} className="row">
                          <Badge>{task}</Badge>
                          <BundleLink id={bundle} names={bundles} />
                        </span>
                      ))}
                    </span>
                  ),
                },
                { head: 'Since', cell: ({ createdAt }) => <Time at={createdAt} /> },
                { head: 'By', cell: ({ createdBy }) => <span className="mono">{createdBy}</span> },
                {
                  head: '',
                  cell: (row) =>
                    row.revision === revision ? null : (
                      <Button small onClick={() => void rollBack(row).catch(notifyError)}>
                        Go back to it
                      </Button>
                    ),
                },
              ]}
            />
          )}
        </Loaded>
      </Card>
      <div>
        <Confirm
          trigger={<Button kind="quiet">Delete the endpoint</Button>}
          title={`Delete endpoint ${name}?`}
          description="Clients that call it are refused from then on. Its bundles stay."
          action="Delete the endpoint"
          onConfirm={async () => {
            await client.endpoints.delete(name);
            notify(`Endpoint ${name} is deleted`);
            navigate('/operations');
            await queries.invalidateQueries({ queryKey: ['endpoints', 'list'] });
          }}
        />
      </div>
    </>
  );
}
