import { useDeferredValue, useState } from 'react';
import { Link } from 'wouter';
import { itemList, type ItemList, type Kind } from '../../../../shared/registry.ts';
import { useApi } from '../api/ApiContext.tsx';
import { usePaged } from '../api/usePaged.ts';
import { Badge } from '../ui/Badge.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorState } from '../ui/ErrorState.tsx';
import { Field, Input } from '../ui/Field.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { Table } from '../ui/Table.tsx';
import { Time } from '../ui/Value.tsx';
import type { ReactNode } from 'react';

type Item = ItemList['items'][number];

/** A page of one kind's items; `q` keeps names and tags that contain it. */
export function useItems(kind: Kind, q = '') {
  const { client } = useApi();
  return usePaged([kind, 'list', q], async (cursor: string | null) => {
    const { items, next } = await client.http.read(itemList, {
      method: 'GET',
      path: ['v1', kind],
      query: { q: q === '' ? null : q, cursor },
    });
    return { rows: items, next };
  });
}

/** Everything of one kind, by name. */
export function ItemTable({
  kind,
  caption,
  empty,
}: {
  readonly kind: Kind;
  readonly caption: string;
  /** Said where there is nothing at all. */
  readonly empty: ReactNode;
}) {
  const [q, setQ] = useState('');
  const asked = useDeferredValue(q.trim());
  const list = useItems(kind, asked);
  if (list.error !== null && list.data === undefined)
    return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  if (list.data !== undefined && list.rows.length === 0 && asked === '') return empty;
  return (
    <div className="stack">
      <Field label="Search names and tags">
        <Input
          type="search"
          value={q}
          maxLength={100}
          onChange={(event) => setQ(event.currentTarget.value)}
        />
      </Field>
      {list.data === undefined ? (
        <Skeleton lines={5} />
      ) : list.rows.length === 0 ? (
        <EmptyState title="Nothing has that in its name or tags" />
      ) : (
        <Table<Item>
          caption={caption}
          rows={list.rows}
          rowKey={({ name }) => name}
          paging={list.paging}
          columns={[
            {
              head: 'Name',
              grow: true,
              cell: ({ name }) => <Link href={`/${kind}/${name}`}>{name}</Link>,
            },
            { head: 'Newest', cell: ({ latest }) => (latest === null ? '—' : `@${latest}`) },
            {
              head: 'Aliases',
              cell: ({ aliases }) => (
                <span className="row">
                  {Object.entries(aliases).map(([alias, version]) => (
                    <Badge key={alias} tone="accent">
                      {alias} → {version}
                    </Badge>
                  ))}
                </span>
              ),
            },
            {
              head: 'Tags',
              cell: ({ tags }) => (
                <span className="row">
                  {Object.entries(tags).map(([tag, value]) => (
                    <Badge key={tag}>{value === '' ? tag : `${tag}: ${value}`}</Badge>
                  ))}
                </span>
              ),
            },
            { head: 'Versions', number: true, cell: ({ versions }) => versions },
            { head: 'Changed', cell: ({ changedAt }) => <Time at={changedAt} /> },
          ]}
        />
      )}
    </div>
  );
}
