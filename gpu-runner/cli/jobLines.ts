import type { JobView, Progress } from '../../shared/jobs.ts';
import { percent } from '../runner/figures.ts';
import { duration, moment } from './figures.ts';

/** How far work has come, in one line. */
export function progressLine({
  stage,
  layer,
  layerIndex,
  layers,
  step,
  steps,
  losses,
  accuracy,
  stepsPerSecond,
  etaMs,
  message,
}: Omit<Progress, 'at'>): string {
  const where =
    layer === undefined
      ? ''
      : layerIndex !== undefined && layers !== undefined
        ? `layer ${layerIndex + 1} of ${layers}, ${layer}: `
        : `${layer}: `;
  const counted = step !== undefined && steps !== undefined ? ` ${step}/${steps}` : '';
  const facts = [(message ?? stage) + counted];
  if (losses) facts.push(`loss ${perTask(losses, (loss) => loss.toFixed(3))}`);
  if (accuracy) facts.push(`accuracy ${perTask(accuracy, percent)}`);
  if (stepsPerSecond !== undefined)
    facts.push(`${stepsPerSecond < 10 ? stepsPerSecond.toPrecision(2) : stepsPerSecond.toFixed(0)} steps/s`);
  // Of this layer's retraining: how long the layers after it take, nobody knows yet.
  if (etaMs !== undefined)
    facts.push(`${duration(etaMs)} left${layer === undefined ? '' : ' in this layer'}`);
  return where + facts.join(', ');
}

export const perTask = (values: Readonly<Record<string, number>>, show: (value: number) => string): string =>
  Object.entries(values)
    .map(([task, value]) => `${task} ${show(value)}`)
    .join(' ');

/** All about a job. */
export function jobLines(job: JobView): string[] {
  const facts: [string, string][] = [
    ['state', job.state + (job.cancelRequested && job.finishedAt === null ? ', to be cancelled' : '')],
    ['asked', `${moment(job.createdAt)} by ${job.owner}, priority ${job.priority}`],
    ['attempts', `${job.attempts} of ${job.maxAttempts} failed`],
  ];
  if (job.reason !== null) facts.push(['reason', job.reason]);
  if (job.runner)
    facts.push(['runner', `${job.runner.name} (${job.runner.version}, ${job.runner.providers.join(', ')})`]);
  if (job.progress) facts.push(['progress', `${progressLine(job.progress)} (${moment(job.progress.at)})`]);
  if (job.checkpoint) facts.push(['checkpoint', `step ${job.checkpoint.step}`]);
  if (job.kind === 'inspect')
    facts.push(['subject', `${job.request.kind} ${job.subject.name}@${job.subject.version}`]);
  else {
    for (const { task, model, data } of job.sources)
      facts.push([task, `${model.name}@${model.version} with ${data.name}@${data.version}`]);
    if (job.kind === 'merge' && job.result) facts.push(['result', mergeResultLine(job.result)]);
  }
  if (job.finishedAt !== null) facts.push(['finished', moment(job.finishedAt)]);
  return [`${job.kind} ${job.id}`, ...facts.map(([what, is]) => `  ${what.padEnd(10)} ${is}`)];
}

export const mergeResultLine = ({
  bundle,
  registered,
  endpoint,
}: NonNullable<Extract<JobView, { kind: 'merge' }>['result']>): string =>
  `bundle ${registered ?? bundle.slice(0, 12)}${endpoint ? `, served by ${endpoint.name} since its revision ${endpoint.revision}` : ''}`;
