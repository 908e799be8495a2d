import { useState } from 'react';
import {
  aliasHistory,
  aliasName,
  type AliasView,
  type ItemView,
  type Kind,
} from '../../../../shared/registry.ts';
import { useApi } from '../api/ApiContext.tsx';
import { usePaged } from '../api/usePaged.ts';
import { Badge } from '../ui/Badge.tsx';
import { Button } from '../ui/Button.tsx';
import { Card } from '../ui/Card.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorState } from '../ui/ErrorState.tsx';
import { Field, Input } from '../ui/Field.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { Table } from '../ui/Table.tsx';
import { notify, notifyError } from '../ui/Toast.tsx';
import { Time } from '../ui/Value.tsx';
import { useRefresh } from './useItem.ts';
import styles from './registry.module.css';

/** Names that point at versions; every change can be taken back. */
export function Aliases({ item, version }: { readonly item: ItemView; readonly version: number }) {
  const { client } = useApi();
  const { kind, name, aliases } = item;
  const refresh = useRefresh(kind);
  const [alias, setAlias] = useState('');
  const [shown, setShown] = useState<string | null>(null);
  const wrong =
    alias === '' || aliasName.safeParse(alias).success
      ? null
      : 'a-z first, then a-z, 0-9, ".", "_", "-"; not "latest".';

  const point = async (which: string, to: number | null): Promise<void> => {
    if (to === null) await client[kind].removeAlias(name, which);
    else await client[kind].setAlias(name, which, to);
    await refresh();
  };
  const change = (which: string, to: number | null): void => {
    const before = aliases[which] ?? null;
    point(which, to).then(
      () =>
        notify(to === null ? `Alias ${which} is removed` : `${which} points at @${to}`, {
          undo: () => point(which, before),
        }),
      notifyError,
    );
  };

  return (
    <Card title="Aliases" hint="Write name@alias wherever a version is asked for.">
      {Object.keys(aliases).length > 0 && (
        <ul className={styles.aliases}>
          {Object.entries(aliases).map(([which, to]) => (
            <li key={which}>
              <Badge tone="accent">
                {which} → {to}
              </Badge>
              <span className="row">
                {to !== version && (
                  <Button small onClick={() => change(which, version)}>
                    Point at @{version}
                  </Button>
                )}
                <Button small kind="quiet" onClick={() => setShown(which)}>
                  History
                </Button>
                <Button
                  small
                  kind="quiet"
                  aria-label={`Remove alias ${which}`}
                  onClick={() => change(which, null)}
                >
                  Remove
                </Button>
              </span>
            </li>
          ))}
        </ul>
      )}
      <form
        className={styles.inline}
        onSubmit={(event) => {
          event.preventDefault();
          if (alias === '' || wrong !== null) return;
          change(alias, version);
          setAlias('');
        }}
      >
        <Field label={`New alias of @${version}`} error={wrong}>
          <Input
            value={alias}
            placeholder="champion"
            onChange={(event) => setAlias(event.currentTarget.value)}
          />
        </Field>
        <Button type="submit" disabled={alias === '' || wrong !== null}>
          Set
        </Button>
      </form>
      {shown !== null && (
        <Dialog open onClose={() => setShown(null)} title={`Where ${shown} pointed`} wide>
          <History kind={kind} name={name} alias={shown} onBack={(to) => change(shown, to)} />
        </Dialog>
      )}
    </Card>
  );
}

function History({
  kind,
  name,
  alias,
  onBack,
}: {
  readonly kind: Kind;
  readonly name: string;
  readonly alias: string;
  readonly onBack: (to: number) => void;
}) {
  const { client } = useApi();
  const list = usePaged([kind, 'alias', name, alias], async (cursor: number | null) => {
    const path = ['v1', kind, name, 'aliases', alias, 'history'];
    const { history, next } = await client.http.read(aliasHistory, {
      method: 'GET',
      path,
      query: { cursor },
    });
    return { rows: history, next };
  });
  if (list.error !== null) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  if (list.data === undefined) return <Skeleton />;
  if (list.rows.length === 0) return <EmptyState title="It never pointed anywhere" />;
  return (
    <Table<AliasView & { at: number }>
      caption={`History of alias ${alias}`}
      rows={list.rows.map((row, at) => ({ ...row, at }))}
      rowKey={({ at }) => at}
      paging={list.paging}
      columns={[
        {
          head: 'Pointed at',
          cell: ({ version }) => (version === null ? 'nothing (removed)' : `@${version}`),
        },
        { head: 'Since', cell: ({ changedAt }) => <Time at={changedAt} /> },
        { head: 'By', cell: ({ changedBy }) => <span className="mono">{changedBy}</span> },
        {
          head: '',
          cell: ({ version, at }) =>
            at === 0 || version === null ? null : (
              <Button small onClick={() => onBack(version)}>
                Point there again
              </Button>
            ),
        },
      ]}
    />
  );
}
