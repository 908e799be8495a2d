import { LineChart } from '../../charts/LineChart.tsx';
import { taskColour } from '../../charts/colours.ts';
import { thinned } from '../../charts/extent.ts';
import { Card } from '../../ui/Card.tsx';
import { formatDuration, formatExact, formatPercent } from '../../ui/format.ts';
import { Progress } from '../../ui/Progress.tsx';
import { shareDone, type JobStory } from './story.ts';
import { paceWords, progressWords, stageWords } from './words.ts';
import styles from './jobs.module.css';

/** Points of a line that are drawn at most. */
const drawnPoints = 600;

/** How far a merge is: layer by layer, and what it does to losses and accuracy. */
export function MergeProgress({
  story,
  tasks,
}: {
  readonly story: JobStory;
  readonly tasks: readonly string[];
}) {
  const { progress, layers, losses, accuracy, validated, state } = story;
  const done = shareDone(story);
  const running = state === 'leased';
  const eta =
    running && progress?.etaMs !== undefined ? `${formatDuration(progress.etaMs)} left in this layer` : '';
  const pace = running && progress?.stepsPerSecond !== undefined ? paceWords(progress.stepsPerSecond) : '';
  const rest = layers === null || !running ? 0 : Math.max(0, layers - story.story.length);
  return (
    <>
      <Card title="Progress" hint={[eta, pace].filter((one) => one !== '').join(' · ') || undefined}>
        <Progress
          label={running || state === 'queued' ? now(story) : stateOf(story)}
          value={done ?? (state === 'queued' || running ? null : 0)}
          text={done === null ? '' : formatPercent(done, 0)}
        />
        {story.story.length > 0 && (
          <ol className={styles.layers} aria-label="Layers">
            {story.story.map((layer, at) => (
              <li key={at} className={layer.done >= 1 ? styles.done : running ? styles.now : undefined}>
                <span className={styles.layerName}>{layer.name}</span>
                <span className={styles.layerTrack} aria-hidden="true">
                  <span style={{ width: `${100 * layer.done}%` }} />
                </span>
                <span className={styles.layerStage}>
                  {layer.done >= 1 ? 'done' : `${stageWords(layer.stage)} ${formatPercent(layer.done, 0)}`}
                </span>
              </li>
            ))}
            {rest > 0 && <li className={styles.rest}>{formatExact(rest)} more to come</li>}
          </ol>
        )}
      </Card>
      {Object.keys(losses).length > 0 && (
        <div className="grid">
          <Card title="Losses while retraining">
            <LineChart
              title="Losses while retraining"
              description="Loss of each task at each retraining step, over all layers."
              x={{ label: 'retraining step', format: formatExact, whole: true }}
              y={{ label: 'loss', format: (loss) => loss.toPrecision(2), include: [0] }}
              series={tasks
                .filter((task) => losses[task] !== undefined)
                .map((task) => ({
                  label: task,
                  colour: taskColour(tasks.indexOf(task)),
                  points: thinned(losses[task] ?? [], drawnPoints),
                }))}
              height={220}
            />
          </Card>
          {validated.length > 0 && (
            <Card title="Accuracy after each layer">
              <LineChart
                title="Accuracy after each layer"
                description="Share of held-out samples that each task answers right, after each layer was shared and retrained."
                x={{ label: 'layers shared', format: (x) => String(Math.round(x)), whole: true }}
                y={{ label: 'accuracy', format: (share) => formatPercent(share, 1) }}
                series={tasks
                  .filter((task) => accuracy[task] !== undefined)
                  .map((task) => ({
                    label: task,
                    colour: taskColour(tasks.indexOf(task)),
                    points: accuracy[task] ?? [],
                    dots: true,
                  }))}
                height={220}
              />
            </Card>
          )}
        </div>
      )}
    </>
  );
}

const now = ({ progress, state }: JobStory): string =>
  state === 'queued' ? 'Waits for a runner' : progress === null ? 'A runner begins' : progressWords(progress);

const stateOf = ({ state }: JobStory): string =>
  state === 'succeeded' ? 'Done' : state === 'failed' ? 'Failed' : 'Cancelled';
