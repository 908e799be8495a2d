import { useState } from 'react';
import { name as tagName } from '../../../../shared/manifest.ts';
import type { ItemView } from '../../../../shared/registry.ts';
import { useApi } from '../api/ApiContext.tsx';
import { Button } from '../ui/Button.tsx';
import { Card } from '../ui/Card.tsx';
import { Field, Input } from '../ui/Field.tsx';
import { Cross } from '../ui/icons.tsx';
import { notify, notifyError } from '../ui/Toast.tsx';
import { useRefresh } from './useItem.ts';
import styles from './registry.module.css';

/** Words to find the item by, each with a value where it needs one. */
export function Tags({ item: { kind, name, tags } }: { readonly item: ItemView }) {
  const { client } = useApi();
  const refresh = useRefresh(kind);
  const [text, setText] = useState('');
  const [tag = '', ...rest] = text.split(':');
  const wrong =
    text.trim() === '' || tagName.safeParse(tag.trim()).success
      ? null
      : 'A tag is 1 to 63 of a-z, 0-9, ".", "_", "-"; write "tag" or "tag: value".';

  const save = async (next: Readonly<Record<string, string>>): Promise<void> => {
    await client[kind].setTags(name, next);
    await refresh();
  };
  const change = (next: Readonly<Record<string, string>>, says: string): void => {
    save(next).then(() => notify(says, { undo: () => save(tags) }), notifyError);
  };

  return (
    <Card title="Tags">
      {Object.keys(tags).length > 0 && (
        <ul className={styles.tags}>
          {Object.entries(tags).map(([one, value]) => (
            <li key={one}>
              {value === '' ? one : `${one}: ${value}`}
              <button
                type="button"
                aria-label={`Remove tag ${one}`}
                onClick={() =>
                  change(
                    Object.fromEntries(Object.entries(tags).filter(([other]) => other !== one)),
                    `Tag ${one} is removed`,
                  )
                }
              >
                <Cross />
              </button>
            </li>
          ))}
        </ul>
      )}
      <form
        className={styles.inline}
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() === '' || wrong !== null) return;
          change({ ...tags, [tag.trim()]: rest.join(':').trim() }, `Tag ${tag.trim()} is set`);
          setText('');
        }}
      >
        <Field label="New tag" error={wrong}>
          <Input
            value={text}
            placeholder="team: vision"
            onChange={(event) => setText(event.currentTarget.value)}
          />
        </Field>
        <Button type="submit" disabled={text.trim() === '' || wrong !== null}>
          Add
        </Button>
      </form>
    </Card>
  );
}
