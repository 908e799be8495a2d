import { lazy, Suspense, useState } from 'react';
import { maxCardLength, type ItemView } from '../../../../shared/registry.ts';
import { useApi } from '../api/ApiContext.tsx';
import { Button } from '../ui/Button.tsx';
import { Card } from '../ui/Card.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorState } from '../ui/ErrorState.tsx';
import { Field, TextArea } from '../ui/Field.tsx';
import { formatExact } from '../ui/format.ts';
import { Skeleton } from '../ui/Skeleton.tsx';
import { notify } from '../ui/Toast.tsx';
import { useRefresh } from './useItem.ts';
import styles from './registry.module.css';

const Markdown = lazy(() => import('./Markdown.tsx'));

/** What people should know of the item, in Markdown: shown, and written beside its preview. */
export function ItemCard({ item: { kind, name, card } }: { readonly item: ItemView }) {
  const { client } = useApi();
  const refresh = useRefresh(kind);
  const [draft, setDraft] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const put = async (text: string): Promise<void> => {
    await client[kind].setCard(name, text);
    await refresh();
  };
  const save = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await put(draft ?? '');
      setDraft(null);
      notify('The card is saved', { undo: () => put(card) });
    } catch (reason) {
      setError(reason);
    } finally {
      setBusy(false);
    }
  };
  const shown = (text: string) => (
    <Suspense fallback={<Skeleton />}>
      <Markdown text={text} />
    </Suspense>
  );

  if (draft === null)
    return card === '' ? (
      <EmptyState title="No card yet" action={<Button onClick={() => setDraft('')}>Write one</Button>}>
        What it is for, what it was trained on, what it must not be used for.
      </EmptyState>
    ) : (
      <Card
        title="Card"
        action={
          <Button small onClick={() => setDraft(card)}>
            Edit
          </Button>
        }
      >
        {shown(card)}
      </Card>
    );
  const tooLong = draft.length > maxCardLength;
  return (
    <Card
      title="Card"
      action={
        <div className="row">
          <Button small onClick={() => setDraft(null)}>
            Cancel
          </Button>
          <Button small kind="primary" busy={busy} disabled={tooLong} onClick={() => void save()}>
            Save
          </Button>
        </div>
      }
    >
      {error !== null && <ErrorState error={error} compact />}
      <div className={styles.editor}>
        <Field
          label="Markdown"
          error={
            tooLong
              ? `${formatExact(draft.length)} of at most ${formatExact(maxCardLength)} characters.`
              : null
          }
        >
          <TextArea rows={16} value={draft} onChange={(event) => setDraft(event.currentTarget.value)} />
        </Field>
        <div>
          <p className={styles.previewLabel}>Preview</p>
          <div className={styles.preview}>{shown(draft)}</div>
        </div>
      </div>
    </Card>
  );
}
