// Who is signed in. The key lives in this tab's sessionStorage; in localStorage only where its owner asked for that. It is
// never in an address, a log or a cookie.

/** A key, or nothing where Cloudflare Access signs people in. */
export interface Session {
  readonly key: string | null;
}

const name = 'trunkline.key';

type Listener = () => void;
const listeners = new Set<Listener>();
let current: Session | null = read();

function read(): Session | null {
  const key = sessionStorage.getItem(name) ?? localStorage.getItem(name);
  return key === null ? null : { key };
}

export const session = {
  get: (): Session | null => current,
  subscribe: (listener: Listener): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  /** @param remember keeps the key on this device until somebody signs out */
  signIn(key: string, remember: boolean): void {
    (remember ? localStorage : sessionStorage).setItem(name, key);
    change({ key });
  },
  signInByAccess(): void {
    change({ key: null });
  },
  signOut(): void {
    sessionStorage.removeItem(name);
    localStorage.removeItem(name);
    change(null);
  },
};

function change(next: Session | null): void {
  current = next;
  for (const listener of listeners) listener();
}
