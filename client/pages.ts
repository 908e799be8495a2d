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
