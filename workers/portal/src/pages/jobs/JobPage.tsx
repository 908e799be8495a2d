import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { isFinal, type JobView } from '../../../../../shared/jobs.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { State, toneOf } from '../../ui/Badge.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Card, Facts } from '../../ui/Card.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { ErrorState } from '../../ui/ErrorState.tsx';
import { LoadedPage } from '../../ui/LoadedPage.tsx';
import { Page } from '../../ui/Page.tsx';
import { Time } from '../../ui/Value.tsx';
import { formatPlural } from '../../ui/format.ts';
import { MergeProgress } from './MergeProgress.tsx';
import { JobLog } from './JobLog.tsx';
import { PlanCurve } from './PlanCurve.tsx';
import { budgetWords, floorWords, retrainingWords } from './recipeWords.ts';
import { stateWords, subjectOf } from './subject.ts';
import { useStory } from './useStory.ts';

/** One job, live: how far it is, what it learns, what came of it. */
export default function JobPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const id = params.id ?? '';
  const { client } = useApi();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const [again, setAgain] = useState(0);
  const job = useQuery({ queryKey: ['job', id], queryFn: () => client.jobs.get(id) });
  const { story, live, error } = useStory(id, again);
  // What the events do not hold (result, checkpoint, lease) is asked for when the state changes.
  const { refetch } = job;
  useEffect(() => void refetch(), [refetch, story.state, story.attempts]);
  const retry = useMutation({
    mutationFn: () => client.jobs.retry(id),
    onSuccess: (made) => go(`/jobs/${made.id}`),
  });
  const cancel = async (): Promise<void> => {
    queries.setQueryData(['job', id], await client.jobs.cancel(id));
  };
  return (
    <LoadedPage query={job} title="Job" crumbs={[['Jobs', '/jobs']]}>
      {(found) => {
        const kept = { ...found, state: live && !isFinal(found.state) ? story.state : found.state };
        return (
          <Page
            title={subjectOf(found)}
            crumbs={found.kind === 'merge' ? [['Merges', '/merges']] : [['Jobs', '/jobs']]}
            subtitle={
              <span className="row">
                <State tone={toneOf(kept.state)} live={kept.state === 'leased'}>
                  {stateWords(kept)}
                </State>
                <span className="faint">
                  asked <Time at={found.createdAt} />
                </span>
              </span>
            }
            actions={
              <>
                {!isFinal(kept.state) && !found.cancelRequested && (
                  <Confirm
                    trigger={<Button kind="danger">Cancel</Button>}
                    title="Cancel this job?"
                    description="Its runner stops within seconds. What it has reached is kept: a retry goes on from there."
                    action="Cancel the job"
                    onConfirm={cancel}
                  />
                )}
                {(kept.state === 'failed' || kept.state === 'cancelled') && (
                  <Button kind="primary" busy={retry.isPending} onClick={() => retry.mutate()}>
                    Retry
                  </Button>
                )}
                <Result job={found} />
              </>
            }
          >
            {retry.error !== null && <ErrorState error={retry.error} />}
            {kept.state === 'failed' && found.reason !== null && (
              <ErrorState error={new Error(found.reason)} compact />
            )}
            {error !== null && <ErrorState error={error} onRetry={() => setAgain((n) => n + 1)} />}
            {found.kind !== 'inspect' && (
              <MergeProgress story={story} tasks={found.sources.map(({ task }) => task)} />
            )}
            {found.kind === 'plan' && found.result !== null && (
              <Card title="Plan" hint="Predicted on the untouched networks: nothing was merged for it.">
                <PlanCurve result={found.result} storage={found.request.recipe.storage} />
              </Card>
            )}
            <div className="grid">
              <Card title="Log" hint={live ? 'Live' : undefined}>
                <JobLog lines={story.log} />
              </Card>
              <Card title="About">
                <About job={found} resumed={story.resumed} />
              </Card>
            </div>
          </Page>
        );
      }}
    </LoadedPage>
  );
}

function Result({ job }: { readonly job: JobView }) {
  if (job.kind !== 'merge' || job.result === null) return null;
  const [name = '', version = ''] = (job.result.registered ?? '').split('@');
  return name === '' ? null : (
    <>
      {job.result.report !== null && (
        <ButtonLink to={`/bundles/${name}/${version}?tab=report`}>Report</ButtonLink>
      )}
      <ButtonLink kind="primary" to={`/bundles/${name}/${version}`}>
        Open the bundle
      </ButtonLink>
    </>
  );
}

function About({ job, resumed }: { readonly job: JobView; readonly resumed: number }) {
  const rows: (readonly [string, React.ReactNode])[] = [];
  if (job.kind === 'inspect') rows.push(['Reads', `${job.subject.name}@${job.subject.version}`]);
  else
    for (const { task, model, data } of job.sources)
      rows.push([task, `${model.name}@${model.version} with ${data.name}@${data.version}`]);
  if (job.kind === 'merge') {
    const { recipe, endpoint, publish } = job.request;
    rows.push(['Wiring', recipe.wiring], ['Stored as', recipe.storage]);
    rows.push(['Retraining', retrainingWords(recipe.retraining)]);
    if (recipe.budget) rows.push(['Budget', budgetWords(recipe.budget)]);
    if (recipe.floors) rows.push(['Floors', floorWords(recipe.floors)]);
    if (endpoint)
      rows.push(['Endpoint', publish ? `${endpoint.name}, at once` : `${endpoint.name}, when published`]);
    if (job.result?.endpoint)
      rows.push(['Serves', `${job.result.endpoint.name} since its revision ${job.result.endpoint.revision}`]);
  }
  rows.push(['Runner', job.runner ? `${job.runner.name} (${job.runner.providers.join(', ')})` : 'none yet']);
  rows.push(['Attempts', `${formatPlural(job.attempts, 'attempt')} of ${job.maxAttempts} failed`]);
  if (job.checkpoint !== null && job.state !== 'succeeded')
    rows.push([
      resumed > 0 ? 'Went on from' : 'Checkpoint',
      `step ${job.checkpoint.step}: another attempt goes on from there`,
    ]);
  if (job.retryOf !== null)
    rows.push([
      'Retry of',
      <a key="retry" href={`/jobs/${job.retryOf}`}>
        {job.retryOf.slice(0, 8)}
      </a>,
    ]);
  if (job.finishedAt !== null) rows.push(['Finished', <Time key="finished" at={job.finishedAt} />]);
  return <Facts items={rows} />;
}
