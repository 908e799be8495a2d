import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { keyList, type KeyView } from '../../../../../shared/api.ts';
import { keyId } from '../../../../../shared/keys.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { usePaged } from '../../api/usePaged.ts';
import { session } from '../../session/session.ts';
import { Badge, State } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Table } from '../../ui/Table.tsx';
import { notify } from '../../ui/Toast.tsx';
import { Time } from '../../ui/Value.tsx';

// Loaded when it is opened.
const NewKey = lazy(() => import('./NewKey.tsx'));

/** Who may do what. */
export function Keys() {
  const { client } = useApi();
  const queries = useQueryClient();
  const [making, setMaking] = useState(false);
  const list = usePaged(['keys'], async (cursor: number | null) => {
    const { keys, next } = await client.http.read(keyList, {
      method: 'GET',
      path: ['v1', 'keys'],
      query: { cursor },
    });
    return { rows: keys, next };
  });
  const key = session.get()?.key ?? null;
  const projects = new Set(list.rows.map(({ project }) => project));
  const ownId = key === null ? null : keyId(key);
  return (
    <>
      <div className="spread">
        <p className="muted">
          Give each use a key of its own with the least it needs. Only their hashes are stored.
        </p>
        <Button kind="primary" onClick={() => setMaking(true)}>
          New key
        </Button>
      </div>
      <Loaded query={list}>
        {() => (
          <Table<KeyView>
            caption="API keys"
            rows={list.rows}
            rowKey={({ id }) => id}
            paging={list.paging}
            columns={[
              {
                head: 'Key',
                cell: ({ name, id }) => (
                  <span className="row">
                    {name}
                    {id === ownId && <Badge tone="accent">yours</Badge>}
                  </span>
                ),
              },
              { head: 'Id', cell: ({ id }) => <span className="mono">{id}</span> },
              {
                head: 'May',
                grow: true,
                cell: ({ scopes }) => (
                  <span className="row">
                    {scopes.map((scope) => (
                      <Badge key={scope}>{scope}</Badge>
                    ))}
                  </span>
                ),
              },
              ...(projects.size > 1 ? [{ head: 'Project', cell: ({ project }: KeyView) => project }] : []),
              { head: 'State', cell: (one) => <KeyState view={one} /> },
              { head: 'Made', cell: ({ createdAt }) => <Time at={createdAt} /> },
              {
                head: '',
                cell: ({ id, name, revokedAt }) =>
                  revokedAt !== null ? null : (
                    <Confirm
                      trigger={
                        <Button small kind="quiet" aria-label={`Revoke ${name}`}>
                          Revoke
                        </Button>
                      }
                      title={`Revoke ${name}?`}
                      description={
                        id === ownId
                          ? 'It is the key you are signed in with: you will be signed out. Whoever else uses it is refused within a minute.'
                          : 'Whoever uses it is refused within a minute. It cannot be brought back.'
                      }
                      action="Revoke the key"
                      onConfirm={async () => {
                        await client.keys.revoke(id);
                        notify(`${name} is revoked`);
                        await queries.invalidateQueries({ queryKey: ['keys'] });
                      }}
                    />
                  ),
              },
            ]}
          />
        )}
      </Loaded>
      {making && (
        <Suspense fallback={null}>
          <NewKey
            onClose={() => {
              setMaking(false);
              void queries.invalidateQueries({ queryKey: ['keys'] });
            }}
          />
        </Suspense>
      )}
    </>
  );
}

function KeyState({ view: { revokedAt, expiresAt } }: { readonly view: KeyView }) {
  if (revokedAt !== null)
    return (
      <State tone="bad">
        revoked <Time at={revokedAt} />
      </State>
    );
  if (expiresAt === null) return <State tone="good">valid</State>;
  return Date.parse(expiresAt) <= Date.now() ? (
    <State tone="bad">expired</State>
  ) : (
    <State tone="good">
      until <Time at={expiresAt} />
    </State>
  );
}
