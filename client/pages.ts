/** Every row of a list that comes in pages, asked for as they are read. */
export async function* allPages<Row, Cursor>(
  page: (cursor: Cursor | null) => Promise<{ rows: readonly Row[]; next: Cursor | null }>,
): AsyncGenerator<Row, void, void> {
  let cursor: Cursor | null = null;
  do {
    const { rows, next }: { rows: readonly Row[]; next: Cursor | null } = await page(cursor);
    yield* rows;
    cursor = next;
  } while (cursor !== null);
}

/** All rows at once. */
export async function collect<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
