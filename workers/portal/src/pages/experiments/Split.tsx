import type { ExperimentReport } from '../../../../../shared/experiment-report.ts';
import { taskColour } from '../../charts/colours.ts';
import { Badge } from '../../ui/Badge.tsx';
import { Card } from '../../ui/Card.tsx';
import { formatExact, formatPercent } from '../../ui/format.ts';
import { splitRows } from './experimentView.ts';
import styles from './experiments.module.css';

/** Units of each arm against the design, phase by phase, newest first. */
export function Split({
  report,
  arms,
}: {
  readonly report: ExperimentReport;
  readonly arms: readonly { readonly name: string; readonly weight: number }[];
}) {
  const phases = report.phases.toReversed();
  return (
    <Card title="Traffic" hint="Units against the weights. The mark is the design.">
      {phases.length === 0 && <p className="muted">It has not run yet.</p>}
      {phases.slice(0, 3).map((phase) => (
        <section key={phase.phase} className={styles.phase} aria-label={`Phase ${phase.phase}`}>
          <div className="spread">
            <h3>
              Phase {phase.phase}
              {phase.endedAt === null ? ', now' : ''}: {formatPercent(phase.coverage, 0)} of units
            </h3>
            <Badge tone={phase.alarm ? 'bad' : 'good'}>
              {phase.alarm ? 'not as designed' : 'as designed'}, p = {phase.pValue.toPrecision(2)}
            </Badge>
          </div>
          <ul className={styles.split}>
            {splitRows(phase, arms).map(({ arm, units, share, designed }, at) => (
              <li key={arm}>
                <span>{arm}</span>
                <span className={styles.track} aria-hidden="true">
                  <span style={{ width: `${100 * (share ?? 0)}%`, background: taskColour(at) }} />
                  <i style={{ left: `${100 * designed}%` }} />
                </span>
                <span className={styles.units}>
                  {formatExact(units)} · {share === null ? '–' : formatPercent(share, 1)} of{' '}
                  {formatPercent(designed, 0)}
                </span>
              </li>
            ))}
          </ul>
        </section>
      ))}
      {phases.length > 3 && <p className="faint small">and {phases.length - 3} phases before</p>}
    </Card>
  );
}
