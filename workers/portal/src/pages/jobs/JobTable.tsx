import { Link } from 'wouter';
import { isFinal, jobList, type JobKind, type JobState, type JobView } from '../../../../../shared/jobs.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { usePaged } from '../../api/usePaged.ts';
import { State, toneOf } from '../../ui/Badge.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Table, type Column } from '../../ui/Table.tsx';
import { Time } from '../../ui/Value.tsx';
import { stateWords, subjectOf } from './subject.ts';
import { progressWords } from './words.ts';

/** Until the list is asked for again, in milliseconds. */
const refreshMs = 4000;

const columns: readonly Column<JobView>[] = [
  { head: 'What', cell: (job) => <Link href={`/jobs/${job.id}`}>{subjectOf(job)}</Link>, grow: true },
  {
    head: 'State',
    cell: (job) => (
      <State tone={toneOf(job.state)} live={job.state === 'leased'}>
        {stateWords(job)}
      </State>
    ),
  },
  { head: 'Now', cell: (job) => <span className="muted small">{nowOf(job)}</span> },
  { head: 'Asked', cell: (job) => <Time at={job.createdAt} /> },
];

/** Jobs of a kind and state, newest first; kept up to date while somebody looks. */
export function JobTable({
  kind,
  state,
}: {
  readonly kind?: JobKind | undefined;
  readonly state?: JobState | undefined;
}) {
  const { client } = useApi();
  const jobs = usePaged(
    ['jobs', kind ?? 'all', state ?? 'all'],
    async (cursor: number | null) => {
      const query = { kind, state, cursor };
      const page = await client.http.read(jobList, { method: 'GET', path: ['v1', 'jobs'], query });
      return { rows: page.jobs, next: page.next };
    },
    { refetchInterval: refreshMs },
  );
  return (
    <Loaded query={jobs}>
      {() =>
        jobs.rows.length === 0 ? (
          <EmptyState
            title={kind === 'merge' ? 'No merge was asked for yet' : 'There are no such jobs'}
            action={
              kind === 'merge' && (
                <ButtonLink to="/merges/new" kind="primary">
                  New merge
                </ButtonLink>
              )
            }
          >
            {kind === 'merge' && 'Pick networks and data; a runner does the rest and you watch it work.'}
          </EmptyState>
        ) : (
          <Table
            caption="Jobs, newest first"
            columns={columns}
            rows={jobs.rows}
            rowKey={({ id }) => id}
            paging={jobs.paging}
          />
        )
      }
    </Loaded>
  );
}

function nowOf(job: JobView): string {
  if (job.state === 'failed') return job.reason ?? '';
  if (job.kind === 'merge' && job.result !== null) return job.result.registered ?? '';
  if (isFinal(job.state) || job.progress === null) return '';
  return progressWords(job.progress);
}
