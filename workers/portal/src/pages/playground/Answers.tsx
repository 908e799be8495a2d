import type { Inference } from '../../../../../client/inference.ts';
import { taskColour } from '../../charts/colours.ts';
import { Badge } from '../../ui/Badge.tsx';
import { Card } from '../../ui/Card.tsx';
import { formatDuration, formatPercent } from '../../ui/format.ts';
import { classesOf } from './answers.ts';
import { isStill, timedParts } from './timing.ts';
import type { EndpointContent } from './useEndpoint.ts';
import styles from './playground.module.css';

/** Classes shown of each answer. */
const shownClasses = 5;

/** What each task says, the likeliest first. */
export function Answers({
  endpoint,
  inference,
  truth,
}: {
  readonly endpoint: EndpointContent;
  readonly inference: Inference | null;
  /** Where a sample was picked: what it is. */
  readonly truth: { readonly task: string; readonly label: string } | null;
}) {
  return (
    <div className={styles.answers} aria-live="polite">
      {endpoint.tasks.map(({ task, labels }, index) => {
        const output = inference?.outputs[task];
        const classes = output === undefined ? [] : classesOf(output, labels);
        const [best] = classes;
        const known = truth?.task === task && best !== undefined;
        return (
          <section key={task} className={styles.answer} aria-label={`Answer of ${task}`}>
            <header className="spread">
              <h3>{task}</h3>
              {known && (
                <Badge tone={best.label === truth.label ? 'good' : 'bad'}>
                  {best.label === truth.label ? 'right' : `truth: ${truth.label}`}
                </Badge>
              )}
            </header>
            {best === undefined ? (
              <p className="muted">–</p>
            ) : (
              <p className={styles.best}>
                {best.label} <span>{formatPercent(best.probability, 1)}</span>
              </p>
            )}
            <ol className={styles.classes}>
              {classes.slice(0, shownClasses).map(({ label, probability, index: at }) => (
                <li key={at}>
                  <span className={styles.label} title={label}>
                    {label}
                  </span>
                  <span className={styles.track} aria-hidden="true">
                    <span style={{ width: `${100 * probability}%`, background: taskColour(index) }} />
                  </span>
                  <span className={styles.value}>{formatPercent(probability, 1)}</span>
                </li>
              ))}
            </ol>
          </section>
        );
      })}
    </div>
  );
}

const partColour = { load: 'var(--text-3)', trunk: 'var(--shared)', head: 'var(--accent)' } as const;

/** Where the time went, on the edge and on the way. */
export function TimeSpent({
  inference,
  roundTripMs,
}: {
  readonly inference: Inference;
  readonly roundTripMs: number;
}) {
  const parts = timedParts(inference.served.timing);
  const longest = Math.max(...parts.map(({ ms }) => ms), 1e-9);
  const { experiment, arm } = inference.served;
  return (
    <Card
      title="Time"
      hint={
        <>
          {formatDuration(roundTripMs)} from this page and back; revision {inference.version}
          {experiment !== null && `; experiment ${experiment}, arm ${arm ?? ''}`}
        </>
      }
    >
      {parts.length === 0 ? (
        <p className="muted">The edge did not say how long it took.</p>
      ) : (
        <ol className={styles.classes}>
          {parts.map(({ part, ms, kind }) => (
            <li key={part}>
              <span className={styles.label} title={part}>
                {part}
              </span>
              <span className={styles.track} aria-hidden="true">
                <span style={{ width: `${(100 * ms) / longest}%`, background: partColour[kind] }} />
              </span>
              <span className={styles.value}>{formatDuration(ms)}</span>
            </li>
          ))}
        </ol>
      )}
      {isStill(parts) && (
        <p className="faint small">
          On Cloudflare the clock stands still while a Worker computes: all is 0 there.
        </p>
      )}
    </Card>
  );
}
