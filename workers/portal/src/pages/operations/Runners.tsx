import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { JobView, RunnerView } from '../../../../../shared/jobs.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { take } from '../../api/usePaged.ts';
import { Badge, State, toneOf } from '../../ui/Badge.tsx';
import { Card } from '../../ui/Card.tsx';
import { CodeBlock } from '../../ui/CodeBlock.tsx';
import { formatExact } from '../../ui/format.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { Table } from '../../ui/Table.tsx';
import { Time } from '../../ui/Value.tsx';
import { jobTitle, latestFirst } from './queueView.ts';

/** Runners shown at most. */
const shown = 200;

/** Who asked for work lately. @param running jobs that are held now, for their titles */
export function Runners({
  running,
  pollMs,
}: {
  readonly running: readonly JobView[];
  readonly pollMs: number;
}) {
  const { client } = useApi();
  const query = useQuery({
    queryKey: ['jobs', 'runners'],
    queryFn: () => take(client.jobs.runners(), shown),
    refetchInterval: pollMs,
  });
  return (
    <Card title="Runners" hint="Heard of within the last month, newest first; noted once a minute.">
      <Loaded query={query}>
        {(runners) =>
          runners.length === 0 ? (
            <>
              <p className="muted">
                No runner has asked for work yet. With a key of scope runner, on any machine with Node:
              </p>
              <CodeBlock
                label="How to start a runner"
                code={`TRUNKLINE_URL=${location.origin} TRUNKLINE_KEY=tl_… npx trunkline runner`}
              />
            </>
          ) : (
            <Table<RunnerView>
              caption="Runners"
              rows={latestFirst(runners)}
              rowKey={({ name }) => name}
              columns={[
                { head: 'Runner', cell: ({ name }) => name },
                { head: 'State', cell: ({ state }) => <RunnerState state={state} /> },
                {
                  head: 'Works on',
                  grow: true,
                  cell: ({ jobs }) => (
                    <span className="row">
                      {jobs.map((id) => (
                        <Link key={id} href={`/jobs/${id}`}>
                          {titleOf(id, running)}
                        </Link>
                      ))}
                    </span>
                  ),
                },
                {
                  head: 'Trains with',
                  cell: ({ providers }) => (
                    <span className="row">
                      {providers.map((provider) => (
                        <Badge key={provider}>{provider}</Badge>
                      ))}
                    </span>
                  ),
                },
                { head: 'Version', cell: ({ version }) => version },
                { head: 'Done', number: true, cell: ({ succeeded }) => formatExact(succeeded) },
                { head: 'Failed', number: true, cell: ({ failed }) => formatExact(failed) },
                { head: 'Heard of', cell: ({ seenAt }) => <Time at={seenAt} /> },
              ]}
            />
          )
        }
      </Loaded>
    </Card>
  );
}

function RunnerState({ state }: Pick<RunnerView, 'state'>) {
  switch (state) {
    case 'working':
      return (
        <State tone={toneOf('leased')} live>
          At work
        </State>
      );
    case 'waiting':
      return <State tone="good">Waits for work</State>;
    case 'silent':
      return <State tone="neutral">Not heard of</State>;
    default:
      return state satisfies never;
  }
}

const titleOf = (id: string, running: readonly JobView[]): string => {
  const job = running.find((one) => one.id === id);
  return job === undefined ? id.slice(0, 10) : jobTitle(job);
};
