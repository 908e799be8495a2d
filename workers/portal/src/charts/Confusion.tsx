import { formatExact } from '../ui/format.ts';
import styles from './charts.module.css';

/** Counts of samples, a row each true label, a column each answer: right ones on the diagonal. */
export function Confusion({
  caption,
  matrix,
  labels,
}: {
  readonly caption: string;
  readonly matrix: readonly (readonly number[])[];
  readonly labels: readonly string[];
}) {
  const nameOf = (index: number): string => labels[index] ?? String(index);
  const turned = labels.some((label) => label.length > 3);
  return (
    <div className={styles.confusion} tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption className="visually-hidden">{caption}: rows are true labels, columns answers</caption>
        <thead>
          <tr>
            <td className={styles.corner} />
            {matrix.map((_, column) => (
              <th key={column} scope="col" title={nameOf(column)}>
                <span className={turned ? styles.turned : undefined}>{nameOf(column)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {matrix.map((row, index) => {
            const all = row.reduce((sum, count) => sum + count, 0);
            return (
              <tr key={index}>
                <th scope="row" title={nameOf(index)}>
                  {nameOf(index)}
                </th>
                {row.map((count, column) => (
                  <td
                    key={column}
                    className={count === 0 ? styles.zero : undefined}
                    title={`${nameOf(index)} taken for ${nameOf(column)}: ${formatExact(count)} of ${formatExact(all)}`}
                  >
                    <i
                      className={styles.heat}
                      style={{
                        background: index === column ? 'var(--good)' : 'var(--bad)',
                        opacity: all === 0 || count === 0 ? 0 : strength(count / all, index === column),
                      }}
                    />
                    <span>{count === 0 ? '·' : formatExact(count)}</span>
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** Mistakes are rare, and are what one looks for: they darken by their root. Never so dark that numbers cannot be read. */
const strength = (share: number, right: boolean): number =>
  right ? 0.3 * share : 0.06 + 0.4 * Math.sqrt(share);
