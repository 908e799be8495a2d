import { useState } from 'react';
import type { Scope } from '../../../../../shared/keys.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { Button } from '../../ui/Button.tsx';
import { CodeBlock } from '../../ui/CodeBlock.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { ErrorState } from '../../ui/ErrorState.tsx';
import { Check, Field, Input } from '../../ui/Field.tsx';
import { Select } from '../../ui/Select.tsx';

const scopeHints: readonly (readonly [Scope, string])[] = [
  ['infer', 'Ask endpoints for predictions'],
  ['outcome', 'Say what came of predictions'],
  ['read', 'Look at everything of the project'],
  ['write', 'Upload, merge, publish, run experiments'],
  ['runner', 'Do the platform’s jobs'],
  ['admin', 'Make and revoke keys, read the audit log'],
];
const lives = { never: null, '7': 7, '30': 30, '90': 90, '365': 365 } as const;
type Life = keyof typeof lives;

/** Makes a key and shows it, once. */
export default function NewKey({ onClose }: { readonly onClose: () => void }) {
  const { client } = useApi();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly Scope[]>(['infer']);
  const [life, setLife] = useState<Life>('90');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [made, setMade] = useState<string | null>(null);

  const make = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const days = lives[life];
      const { key } = await client.keys.create({
        name: name.trim(),
        scopes: [...scopes],
        ...(days !== null && { expiresInDays: days }),
      });
      setMade(key);
    } catch (reason) {
      setError(reason);
    } finally {
      setBusy(false);
    }
  };

  if (made !== null)
    return (
      <Dialog
        open
        onClose={onClose}
        title={`${name.trim()} is made`}
        description="Copy it now: it is shown this once and kept nowhere."
        footer={
          <Button kind="primary" onClick={onClose}>
            I kept it
          </Button>
        }
      >
        <CodeBlock code={made} label="The new key" />
      </Dialog>
    );
  return (
    <Dialog
      open
      onClose={onClose}
      title="New key"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            busy={busy}
            disabled={name.trim() === '' || scopes.length === 0}
            onClick={() => void make()}
          >
            Make the key
          </Button>
        </>
      }
    >
      <Field label="Name" hint="What it is used for.">
        <Input value={name} maxLength={100} onChange={(event) => setName(event.currentTarget.value)} />
      </Field>
      <fieldset className="stack" style={{ border: 0, margin: 0, padding: 0 }}>
        <legend className="small muted">What it may do</legend>
        {scopeHints.map(([scope, hint]) => (
          <Check
            key={scope}
            label={scope}
            hint={hint}
            checked={scopes.includes(scope)}
            onChange={(on) => setScopes(on ? [...scopes, scope] : scopes.filter((one) => one !== scope))}
          />
        ))}
      </fieldset>
      <Select<Life>
        label="Valid for"
        value={life}
        onChange={setLife}
        options={[
          { value: '7', label: '7 days' },
          { value: '30', label: '30 days' },
          { value: '90', label: '90 days' },
          { value: '365', label: 'A year' },
          { value: 'never', label: 'Until it is revoked' },
        ]}
      />
      {error !== null && <ErrorState error={error} compact />}
    </Dialog>
  );
}
