import { auditList, type AuditList } from '../../../../../shared/api.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { usePaged } from '../../api/usePaged.ts';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Table } from '../../ui/Table.tsx';
import { Time } from '../../ui/Value.tsx';
import { detailText } from './detailText.ts';

type Entry = AuditList['entries'][number];

/** Who changed what, newest first. */
export function AuditLog() {
  const { client } = useApi();
  const list = usePaged(['audit'], async (cursor: number | null) => {
    const path = ['v1', 'audit'];
    const { entries, next } = await client.http.read(auditList, { method: 'GET', path, query: { cursor } });
    return { rows: entries, next };
  });
  return (
    <Loaded query={list}>
      {() =>
        list.rows.length === 0 ? (
          <EmptyState title="Nothing has been changed yet" />
        ) : (
          <Table<Entry & { place: number }>
            caption="Audit log"
            rows={list.rows.map((entry, place) => ({ ...entry, place }))}
            rowKey={({ place }) => place}
            paging={list.paging}
            columns={[
              { head: 'What', cell: ({ action }) => action },
              { head: 'To', cell: ({ subject }) => <span className="mono wrap">{subject}</span> },
              {
                head: 'Detail',
                grow: true,
                cell: ({ detail }) => <span className="small muted wrap">{detailText(detail)}</span>,
              },
              { head: 'By', cell: ({ actor }) => <span className="mono">{actor}</span> },
              { head: 'When', cell: ({ at }) => <Time at={at} /> },
            ]}
          />
        )
      }
    </Loaded>
  );
}
