import { Link } from 'wouter';
import { jobList, type JobState, type JobView } from '../../../../../shared/jobs.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { usePaged } from '../../api/usePaged.ts';
import { Card } from '../../ui/Card.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { Table } from '../../ui/Table.tsx';
import { Time } from '../../ui/Value.tsx';
import { jobTitle } from './queueView.ts';
import { Runners } from './Runners.tsx';

/** Milliseconds between two looks: the queue moves by itself. */
const pollMs = 4000;

function useJobs(state: JobState) {
  const { client } = useApi();
  return usePaged(
    ['jobs', 'operations', state],
    async (cursor: number | null) => {
      const { jobs, next } = await client.http.read(jobList, {
        method: 'GET',
        path: ['v1', 'jobs'],
        query: { state, cursor },
      });
      return { rows: jobs, next };
    },
    { refetchInterval: pollMs },
  );
}

/** Who works, on what, and what waits. */
export function Queue() {
  const running = useJobs('leased');
  const queued = useJobs('queued');
  return (
    <>
      <Card title="At work" hint="Jobs that a runner holds now.">
        <Loaded query={running}>
          {() =>
            running.rows.length === 0 ? (
              <p className="muted">Nothing is being worked on.</p>
            ) : (
              <Table<JobView>
                caption="Jobs at work"
                rows={running.rows}
                rowKey={({ id }) => id}
                paging={running.paging}
                columns={[
                  { head: 'Job', cell: (job) => <Link href={`/jobs/${job.id}`}>{jobTitle(job)}</Link> },
                  { head: 'Runner', cell: ({ runner }) => runner?.name ?? '—' },
                  {
                    head: 'Progress',
                    grow: true,
                    cell: ({ progress }) =>
                      progress === null ? (
                        'just begun'
                      ) : (
                        <Progress
                          label={`${progress.stage}${progress.layer === undefined ? '' : ` ${progress.layer}`}`}
                          value={
                            progress.step === undefined ||
                            progress.steps === undefined ||
                            progress.steps === 0
                              ? null
                              : progress.step / progress.steps
                          }
                        />
                      ),
                  },
                  {
                    head: 'Attempt',
                    number: true,
                    cell: ({ attempts, maxAttempts }) => `${attempts + 1} of ${maxAttempts}`,
                  },
                ]}
              />
            )
          }
        </Loaded>
      </Card>
      <Card title="Waiting" hint="Greater priority first; within one, owners take turns.">
        <Loaded query={queued}>
          {() =>
            queued.rows.length === 0 ? (
              <p className="muted">The queue is empty.</p>
            ) : (
              <Table<JobView>
                caption="Jobs that wait"
                rows={queued.rows}
                rowKey={({ id }) => id}
                paging={queued.paging}
                columns={[
                  {
                    head: 'Job',
                    grow: true,
                    cell: (job) => <Link href={`/jobs/${job.id}`}>{jobTitle(job)}</Link>,
                  },
                  { head: 'Priority', number: true, cell: ({ priority }) => priority },
                  { head: 'Asked for', cell: ({ createdAt }) => <Time at={createdAt} /> },
                  { head: 'By', cell: ({ owner }) => <span className="mono">{owner}</span> },
                  { head: 'Last trouble', cell: ({ reason }) => reason ?? '' },
                ]}
              />
            )
          }
        </Loaded>
      </Card>
      <Runners running={running.rows} pollMs={pollMs} />
    </>
  );
}
