import { formatExact, formatPercent } from '../../ui/format.ts';
import styles from './LabelCounts.module.css';

/** How many samples each class has; a class with few is easy to see. */
export function LabelCounts({
  counts,
  labels,
}: {
  readonly counts: readonly number[];
  readonly labels: readonly string[];
}) {
  const most = Math.max(...counts, 1);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return (
    <ol className={styles.list}>
      {counts.map((count, at) => (
        <li key={at}>
          <span className={styles.name}>{labels[at] ?? at}</span>
          <span className={styles.track} aria-hidden="true">
            <span style={{ width: `${(count / most) * 100}%` }} />
          </span>
          <span
            className={styles.count}
            title={total === 0 ? undefined : `${formatPercent(count / total, 1)} of all`}
          >
            {formatExact(count)}
          </span>
        </li>
      ))}
    </ol>
  );
}
