import { Link } from 'wouter';
import type { Kind, VersionView } from '../../../../shared/registry.ts';
import { useApi } from '../api/ApiContext.tsx';
import { Badge } from '../ui/Badge.tsx';
import { Button } from '../ui/Button.tsx';
import { Confirm } from '../ui/Dialog.tsx';
import { ErrorState } from '../ui/ErrorState.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { Table } from '../ui/Table.tsx';
import { notify } from '../ui/Toast.tsx';
import { Bytes, Digest, Time } from '../ui/Value.tsx';
import { useRefresh, useVersions } from './useItem.ts';

/** All versions of an item, newest first. */
export function Versions({
  kind,
  name,
  shown,
}: {
  readonly kind: Kind;
  readonly name: string;
  readonly shown: number;
}) {
  const { client } = useApi();
  const list = useVersions(kind, name);
  const refresh = useRefresh(kind);
  if (list.data === undefined)
    return list.error === null ? (
      <Skeleton lines={4} />
    ) : (
      <ErrorState error={list.error} onRetry={() => void list.refetch()} />
    );
  return (
    <Table<VersionView>
      caption={`Versions of ${name}`}
      rows={list.rows}
      rowKey={({ version }) => version}
      paging={list.paging}
      columns={[
        {
          head: 'Version',
          cell: ({ version, aliases }) => (
            <span className="row">
              <Link href={`/${kind}/${name}?version=${version}`}>@{version}</Link>
              {version === shown && <Badge>shown</Badge>}
              {aliases.map((alias) => (
                <Badge key={alias} tone="accent">
                  {alias}
                </Badge>
              ))}
            </span>
          ),
        },
        { head: 'Digest', cell: ({ digest }) => <Digest value={digest} /> },
        { head: 'Size', number: true, cell: ({ sizeBytes }) => <Bytes value={sizeBytes} /> },
        { head: 'Registered', cell: ({ createdAt }) => <Time at={createdAt} /> },
        { head: 'By', cell: ({ createdBy }) => <span className="mono">{createdBy}</span> },
        {
          head: '',
          cell: ({ version }) => (
            <Confirm
              trigger={
                <Button small kind="quiet" aria-label={`Delete version ${version}`}>
                  Delete
                </Button>
              }
              title={`Delete ${name}@${version}?`}
              description="Its number does not come back. It is refused while something still refers to it: an alias, a merge, a bundle."
              action="Delete the version"
              onConfirm={async () => {
                await client[kind].deleteVersion(name, version);
                notify(`${name}@${version} is deleted`);
                await refresh();
              }}
            />
          ),
        },
      ]}
    />
  );
}
