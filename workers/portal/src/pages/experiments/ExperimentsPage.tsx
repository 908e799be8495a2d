import { Link } from 'wouter';
import { experimentList, type ExperimentView } from '../../../../../shared/experiment-api.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { usePaged } from '../../api/usePaged.ts';
import { State, toneOf } from '../../ui/Badge.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { formatPercent } from '../../ui/format.ts';
import { Page } from '../../ui/Page.tsx';
import { Table, type Column } from '../../ui/Table.tsx';
import { Time } from '../../ui/Value.tsx';

const columns: readonly Column<ExperimentView>[] = [
  {
    head: 'Experiment',
    cell: ({ experiment }) => <Link href={`/experiments/${experiment}`}>{experiment}</Link>,
    grow: true,
  },
  {
    head: 'State',
    cell: ({ state }) => (
      <State tone={toneOf(state)} live={state === 'running'}>
        {state}
      </State>
    ),
  },
  { head: 'Endpoint', cell: ({ endpoint }) => endpoint },
  { head: 'Arms', cell: ({ arms }) => arms.map(({ name }) => name).join(' / ') },
  { head: 'Coverage', cell: ({ coverage }) => formatPercent(coverage, 0), number: true },
  { head: 'Changed', cell: ({ changedAt }) => <Time at={changedAt} /> },
];

/** Comparisons on live traffic. */
export default function ExperimentsPage() {
  const { client } = useApi();
  const experiments = usePaged(['experiments'], async (cursor: string | null) => {
    const page = await client.http.read(experimentList, {
      method: 'GET',
      path: ['v1', 'experiments'],
      query: { cursor },
    });
    return { rows: page.experiments, next: page.next };
  });
  const create = (
    <ButtonLink to="/experiments/new" kind="primary">
      New experiment
    </ButtonLink>
  );
  return (
    <Page
      title="Experiments"
      subtitle="Is a merged network as good as the separate ones on your own traffic? Ask before everybody gets it."
      actions={create}
    >
      <Loaded query={experiments}>
        {() =>
          experiments.rows.length === 0 ? (
            <EmptyState title="There are no experiments yet" action={create}>
              An experiment gives each visitor one of two bundles, counts what comes of it, and says when it
              is sure.
            </EmptyState>
          ) : (
            <Table
              caption="Experiments by name"
              columns={columns}
              rows={experiments.rows}
              rowKey={({ experiment }) => experiment}
              paging={experiments.paging}
            />
          )
        }
      </Loaded>
    </Page>
  );
}
