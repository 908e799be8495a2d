import type { ReactNode } from 'react';
import styles from './charts.module.css';

export interface Key {
  readonly label: string;
  readonly colour: string;
  /** `line`, `dashed` or `area`; a filled square when left out. */
  readonly mark?: 'line' | 'dashed' | 'area' | undefined;
}

export interface DataTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A drawing with its legend, and the same as a table for whoever reads better than sees. */
export function Figure({
  caption,
  keys = [],
  table,
  children,
}: {
  readonly caption: string;
  readonly keys?: readonly Key[];
  readonly table: DataTable;
  readonly children: ReactNode;
}) {
  return (
    <figure className={styles.figure} aria-label={caption}>
      {keys.length > 0 && <Legend keys={keys} />}
      {children}
      <details className={styles.table}>
        <summary>As a table</summary>
        <div className={styles.scroll} tabIndex={0} role="region" aria-label={`${caption}, as a table`}>
          <table>
            <caption className="visually-hidden">{caption}</caption>
            <thead>
              <tr>
                {table.head.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row, at) => (
                <tr key={at}>
                  {row.map((cell, column) =>
                    column === 0 ? (
                      <th key={column} scope="row">
                        {cell}
                      </th>
                    ) : (
                      <td key={column}>{cell}</td>
                    ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

export function Legend({ keys }: { readonly keys: readonly Key[] }) {
  return (
    <ul className={styles.legend} aria-label="Colours">
      {keys.map(({ label, colour, mark }) => (
        <li key={label}>
          <svg width="16" height="12" aria-hidden="true">
            {mark === 'line' || mark === 'dashed' ? (
              <line
                x1="0"
                x2="16"
                y1="6"
                y2="6"
                stroke={colour}
                strokeWidth="2.5"
                strokeDasharray={mark === 'dashed' ? '4 3' : undefined}
              />
            ) : (
              <rect
                x="2"
                width="12"
                height="12"
                rx="3"
                fill={colour}
                opacity={mark === 'area' ? 0.25 : undefined}
              />
            )}
          </svg>
          {label}
        </li>
      ))}
    </ul>
  );
}
