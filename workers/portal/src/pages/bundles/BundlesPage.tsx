import { useState } from 'react';
import { Link } from 'wouter';
import { itemList, type ItemList } from '../../../../../shared/registry.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { usePaged } from '../../api/usePaged.ts';
import { Badge } from '../../ui/Badge.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { Field, Input } from '../../ui/Field.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Page } from '../../ui/Page.tsx';
import { Table, type Column } from '../../ui/Table.tsx';
import { Time } from '../../ui/Value.tsx';

type Item = ItemList['items'][number];

const columns: readonly Column<Item>[] = [
  { head: 'Bundle', cell: ({ name }) => <Link href={`/bundles/${name}`}>{name}</Link>, grow: true },
  { head: 'Newest', cell: ({ latest }) => (latest === null ? 'deleted' : `version ${latest}`) },
  {
    head: 'Aliases',
    cell: ({ aliases }) => (
      <span className="row">
        {Object.entries(aliases).map(([alias, version]) => (
          <Badge key={alias}>
            @{alias} → {version}
          </Badge>
        ))}
      </span>
    ),
  },
  { head: 'Changed', cell: ({ changedAt }) => <Time at={changedAt} /> },
];

/** Everything that can be served. */
export default function BundlesPage() {
  const { client } = useApi();
  const [q, setQ] = useState('');
  const bundles = usePaged(['bundles', q], async (cursor: string | null) => {
    const query = { q: q === '' ? null : q, cursor };
    const page = await client.http.read(itemList, { method: 'GET', path: ['v1', 'bundles'], query });
    return { rows: page.items, next: page.next };
  });
  return (
    <Page
      title="Bundles"
      subtitle="A bundle is a trunk and its heads, ready to serve. It never changes: another merge is another version."
      actions={
        <ButtonLink to="/merges/new" kind="primary">
          New merge
        </ButtonLink>
      }
    >
      <Field label="Search by name or tag">
        <Input type="search" value={q} onChange={(event) => setQ(event.currentTarget.value)} />
      </Field>
      <Loaded query={bundles}>
        {() =>
          bundles.rows.length > 0 ? (
            <Table
              caption="Bundles by name"
              columns={columns}
              rows={bundles.rows}
              rowKey={({ name }) => name}
              paging={bundles.paging}
            />
          ) : q === '' ? (
            <EmptyState
              title="There are no bundles yet"
              action={<ButtonLink to="/merges/new">New merge</ButtonLink>}
            >
              A merge of two networks becomes the first one.
            </EmptyState>
          ) : (
            <EmptyState title={`No bundle's name or tag contains "${q}"`} />
          )
        }
      </Loaded>
    </Page>
  );
}
