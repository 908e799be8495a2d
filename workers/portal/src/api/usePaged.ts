import { useInfiniteQuery, type QueryKey } from '@tanstack/react-query';
import type { Paging } from '../ui/Table.tsx';

/** One page of a list, as the service sends them. */
export interface PageOf<Row, Cursor extends string | number> {
  readonly rows: readonly Row[];
  readonly next: Cursor | null;
}

/** The rows so far of a list that comes in pages, and how to have more: give `paging` to a Table. */
export function usePaged<Row, Cursor extends string | number>(
  key: QueryKey,
  page: (cursor: Cursor | null) => Promise<PageOf<Row, Cursor>>,
  options: { refetchInterval?: number | false; enabled?: boolean } = {},
) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => page(pageParam as Cursor | null),
    initialPageParam: null as Cursor | null,
    getNextPageParam: ({ next }: PageOf<Row, Cursor>) => next,
    ...options,
  });
  const paging: Paging = {
    hasMore: query.hasNextPage,
    loading: query.isFetchingNextPage,
    onMore: () => void query.fetchNextPage(),
  };
  return { ...query, rows: query.data?.pages.flatMap(({ rows }) => rows) ?? [], paging };
}

/** The first `limit` rows of one of the client's lists, which ask for pages as they are read. */
export async function take<Row>(rows: AsyncIterable<Row>, limit: number): Promise<Row[]> {
  const taken: Row[] = [];
  if (limit <= 0) return taken;
  for await (const row of rows) {
    taken.push(row);
    if (taken.length >= limit) break;
  }
  return taken;
}
