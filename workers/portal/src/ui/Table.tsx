import type { ReactNode } from 'react';
import { Button } from './Button.tsx';
import { cx } from './cx.ts';
import styles from './Table.module.css';

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers stand right, so that their digits line up. */
  readonly number?: boolean;
  /** Takes the room that the others leave. */
  readonly grow?: boolean;
}

export interface Paging {
  readonly hasMore: boolean;
  readonly onMore: () => void;
  readonly loading?: boolean;
}

/**
 * Rows under a caption that screen readers say. On a phone each row becomes a card, its cells labelled by their heads.
 * The first column names the row.
 */
export function Table<Row>({
  caption,
  columns,
  rows,
  rowKey,
  paging,
}: {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string | number;
  readonly paging?: Paging | undefined;
}) {
  // Roles are said again because cards are laid out as blocks, which makes browsers forget that this is a table.
  return (
    <div className={styles.frame}>
      <table className={styles.table} role="table">
        <caption className="visually-hidden">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ head, number, grow }) => (
              <th
                key={head}
                scope="col"
                role="columnheader"
                className={cx(number === true && styles.number, grow === true && styles.grow)}
              >
                {head === '' ? <span className="visually-hidden">Actions</span> : head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row">
              {columns.map(({ head, cell, number }, at) =>
                at === 0 ? (
                  <th key={head} scope="row" role="rowheader">
                    {cell(row)}
                  </th>
                ) : (
                  <td
                    key={head}
                    role="cell"
                    data-label={head}
                    className={cx(number === true && styles.number, head === '' && styles.actions)}
                  >
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {paging?.hasMore === true && (
        <div className={styles.more}>
          <Button small busy={paging.loading === true} onClick={paging.onMore}>
            Show more
          </Button>
        </div>
      )}
    </div>
  );
}
