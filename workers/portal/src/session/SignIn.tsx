import { useEffect, useState, type SubmitEvent } from 'react';
import { keyId } from '../../../../shared/keys.ts';
import { Button } from '../ui/Button.tsx';
import { ErrorState } from '../ui/ErrorState.tsx';
import { Check, Field, Input } from '../ui/Field.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { lookUp } from './lookUp.ts';
import { OperatorKey } from './OperatorKey.tsx';
import { session } from './session.ts';
import styles from './SignIn.module.css';

/** The door: Cloudflare Access where it is set up, a key otherwise. */
export default function SignIn() {
  const [asking, setAsking] = useState(true);
  const [key, setKey] = useState('');
  const [remember, setRemember] = useState(false);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [operatorKey, setOperatorKey] = useState<string | null>(null);

  useEffect(() => {
    document.title = 'Sign in · Trunkline';
    let here = true;
    lookUp(null).then(
      (what) => {
        if (what === 'works') session.signInByAccess();
        else if (here) setAsking(false);
      },
      () => {
        if (here) setAsking(false);
      },
    );
    return () => {
      here = false;
    };
  }, []);

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const trimmed = key.trim();
    setError(null);
    if (keyId(trimmed) === null) {
      setWrong('That is no key: a key is "tl_", 16 hex digits, "_" and 64 hex digits.');
      return;
    }
    setWrong(null);
    setBusy(true);
    try {
      const what = await lookUp(trimmed);
      if (what === 'works') session.signIn(trimmed, remember);
      else if (what === 'operator') setOperatorKey(trimmed);
      else if (what === 'unknown')
        setWrong('The platform does not know this key, or it was revoked or has expired.');
      else setWrong('This key cannot read. Sign in with one that has the scope "read".');
    } catch (reason) {
      setError(reason);
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <div className={styles.brand}>
          <img src="/icon.svg" width="40" height="40" alt="" />
          <div>
            <h1>Trunkline</h1>
            <p className="muted">Merge trained networks, serve all their tasks, decide on evidence.</p>
          </div>
        </div>
        {asking ? (
          <Skeleton lines={3} label="Looking whether you are signed in" />
        ) : operatorKey !== null ? (
          <OperatorKey operatorKey={operatorKey} onBack={() => setOperatorKey(null)} />
        ) : (
          <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
            <Field
              label="API key"
              error={wrong}
              hint={
                <>
                  <code>npm start</code> prints one; so does <code>npm run deploy</code> the first time.
                </>
              }
            >
              <Input
                type="password"
                autoComplete="off"
                spellCheck={false}
                autoFocus
                placeholder="tl_…"
                value={key}
                onChange={(event) => setKey(event.currentTarget.value)}
              />
            </Field>
            <Check
              label="Remember on this device"
              hint="Otherwise the key is forgotten with this tab."
              checked={remember}
              onChange={setRemember}
            />
            {error !== null && <ErrorState error={error} compact />}
            <Button type="submit" kind="primary" busy={busy}>
              Sign in
            </Button>
          </form>
        )}
      </div>
    </main>
  );
}
