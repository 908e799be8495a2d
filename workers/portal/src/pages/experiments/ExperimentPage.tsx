import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ExperimentView } from '../../../../../shared/experiment-api.ts';
import type { ExperimentReport } from '../../../../../shared/experiment-report.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { Badge, State, toneOf } from '../../ui/Badge.tsx';
import { Card } from '../../ui/Card.tsx';
import { formatExact, formatPercent } from '../../ui/format.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { LoadedPage } from '../../ui/LoadedPage.tsx';
import { Page } from '../../ui/Page.tsx';
import { Table } from '../../ui/Table.tsx';
import { Time } from '../../ui/Value.tsx';
import { actionWords, doubts, verdictTone } from './experimentView.ts';
import { ExperimentActions } from './ExperimentActions.tsx';
import { Costs } from './Costs.tsx';
import { Differences } from './Differences.tsx';
import { Split } from './Split.tsx';
import styles from './experiments.module.css';

/** While it runs it is looked at again, in milliseconds. */
const refreshMs = 10_000;

/** One experiment: the verdict, what it rests on, and what can be done. */
export default function ExperimentPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name ?? '';
  const { client } = useApi();
  const queries = useQueryClient();
  const experiment = useQuery({
    queryKey: ['experiment', name],
    queryFn: () => client.experiments.get(name),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? refreshMs : false),
  });
  const report = useQuery({
    queryKey: ['experiment-report', name],
    queryFn: () => client.experiments.report(name),
    refetchInterval: experiment.data?.state === 'running' ? refreshMs : false,
  });
  const changed = async (): Promise<void> => {
    await Promise.all([
      queries.invalidateQueries({ queryKey: ['experiment', name] }),
      queries.invalidateQueries({ queryKey: ['experiment-report', name] }),
    ]);
  };
  return (
    <LoadedPage query={experiment} title={name} crumbs={[['Experiments', '/experiments']]}>
      {(found) => (
        <Page
          title={name}
          crumbs={[['Experiments', '/experiments']]}
          subtitle={
            <span className="row">
              <State tone={toneOf(found.state)} live={found.state === 'running'}>
                {found.state}
              </State>
              <span className="faint">
                on endpoint {found.endpoint}, {formatPercent(found.coverage, 0)} of its units, version{' '}
                {found.version}, changed <Time at={found.changedAt} />
              </span>
            </span>
          }
          actions={<ExperimentActions experiment={found} onChanged={changed} />}
        >
          <Loaded query={report} lines={6}>
            {(told) => (
              <>
                <Card>
                  <p className={styles.verdict} role="status">
                    {told.verdict}
                  </p>
                  <div className="row">
                    {told.tasks.map(({ task, arm, verdict }) => (
                      <Badge key={`${task} ${arm}`} tone={verdictTone(verdict)}>
                        {task}: {arm} {verdict}
                      </Badge>
                    ))}
                  </div>
                  {told.decision === null && (
                    <p className="muted small">
                      The rule {actionWords[told.action.kind]}. It looks every minute while the experiment
                      runs.
                    </p>
                  )}
                  {doubts(told).map((text) => (
                    <p key={text} className={styles.doubt}>
                      {text}
                    </p>
                  ))}
                </Card>
                <Differences report={told} />
                <div className="grid">
                  <Split report={told} arms={found.arms} />
                  <Guardrails report={told} />
                </div>
                <Costs report={told} />
              </>
            )}
          </Loaded>
          <History experiment={found} history={found.history} />
        </Page>
      )}
    </LoadedPage>
  );
}

function Guardrails({ report }: { readonly report: ExperimentReport }) {
  return (
    <Card
      title="Guardrails"
      hint="Breached when the harm is surely more than what is allowed: it rolls back by itself."
    >
      {report.guardrails.length === 0 ? (
        <p className="muted">There are none.</p>
      ) : (
        <Table
          caption="Guardrails"
          rows={report.guardrails}
          rowKey={({ arm, guardrail }) => `${arm} ${JSON.stringify(guardrail)}`}
          columns={[
            {
              head: 'What',
              cell: ({ guardrail, arm }) =>
                `${guardrail.kind === 'accuracy' ? `accuracy of ${guardrail.task}` : guardrail.kind} (${arm})`,
            },
            { head: 'Allowed', cell: ({ limit }) => formatPercent(limit, 1), number: true },
            {
              head: 'Harm at least',
              cell: ({ atLeast }) => (atLeast === null ? '–' : formatPercent(Math.max(0, atLeast), 1)),
              number: true,
            },
            {
              head: 'State',
              cell: ({ breached }) => (
                <Badge tone={breached ? 'bad' : 'good'}>{breached ? 'breached' : 'kept'}</Badge>
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}

function History({
  experiment,
  history,
}: {
  readonly experiment: ExperimentView;
  readonly history: readonly {
    version: number;
    state: string;
    step: string;
    reason: string | null;
    at: string;
    by: string;
  }[];
}) {
  return (
    <Card title="History" hint={`${formatExact(experiment.version)} versions`}>
      <Table
        caption="Versions, newest first"
        rows={history}
        rowKey={({ version }) => version}
        columns={[
          { head: 'Version', cell: ({ version }) => version },
          { head: 'Step', cell: ({ step }) => step },
          { head: 'State', cell: ({ state }) => <State tone={toneOf(state)}>{state}</State> },
          { head: 'Why', cell: ({ reason }) => reason ?? '–', grow: true },
          { head: 'By', cell: ({ by }) => <code className="wrap">{by}</code> },
          { head: 'When', cell: ({ at }) => <Time at={at} /> },
        ]}
      />
    </Card>
  );
}
