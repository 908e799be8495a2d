/** Rows in one reply of a list. */
export const pageSize = 100;

/** A part of a list, and what to ask for to get the part after it (null at the end). */
export interface Page<Row, Cursor> {
  rows: Row[];
  next: Cursor | null;
}

/** Cuts rows that were selected with a limit of `pageSize + 1` to a page. */
export function toPage<Row, Cursor>(selected: Row[], cursor: (row: Row) => Cursor): Page<Row, Cursor> {
  const rows = selected.slice(0, pageSize);
  const last = rows.at(-1);
  return { rows, next: selected.length > pageSize && last !== undefined ? cursor(last) : null };
}
