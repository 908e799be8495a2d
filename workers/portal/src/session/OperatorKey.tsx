import { useState } from 'react';
import { TrunklineClient } from '../../../../client/client.ts';
import { Button } from '../ui/Button.tsx';
import { CodeBlock } from '../ui/CodeBlock.tsx';
import { ErrorState } from '../ui/ErrorState.tsx';
import { Field, Input } from '../ui/Field.tsx';
import { session } from './session.ts';

/** The operator's key only makes other keys: so the first thing it does is make one to work with. */
export function OperatorKey({
  operatorKey,
  onBack,
}: {
  readonly operatorKey: string;
  readonly onBack: () => void;
}) {
  const [name, setName] = useState('My portal');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [made, setMade] = useState<string | null>(null);

  const make = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const client = new TrunklineClient({ url: location.origin, key: operatorKey });
      const { key } = await client.keys.create({
        name,
        scopes: ['read', 'write', 'infer', 'outcome', 'admin'],
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
      <div className="stack">
        <p>Your key, shown this once. Keep it where you keep passwords.</p>
        <CodeBlock code={made} label="Your new key" />
        <Button kind="primary" onClick={() => session.signIn(made, false)}>
          I kept it: sign in
        </Button>
      </div>
    );
  return (
    <div className="stack">
      <p>
        This is the operator’s key: it makes other keys and can do nothing else. Make one to work with; the
        operator’s key is not stored here.
      </p>
      <Field label="Name of the key" hint="So that you find it again among the keys.">
        <Input value={name} onChange={(event) => setName(event.currentTarget.value)} />
      </Field>
      {error !== null && <ErrorState error={error} compact />}
      <div className="row">
        <Button kind="primary" busy={busy} disabled={name.trim() === ''} onClick={() => void make()}>
          Make my key
        </Button>
        <Button kind="quiet" onClick={onBack}>
          Another key
        </Button>
      </div>
    </div>
  );
}
