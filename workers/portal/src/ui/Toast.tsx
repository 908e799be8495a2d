import { lazy, Suspense, useSyncExternalStore } from 'react';
import { explain } from '../api/explain.ts';
import type { Message } from './message.ts';

// Messages that come and go. What shows them is loaded with the first one: most visits need none.

const Toasts = lazy(() => import('./Toasts.tsx'));
let needed = false;
const listeners = new Set<() => void>();

async function show(message: Message): Promise<void> {
  needed = true;
  for (const listener of listeners) listener();
  const { add } = await import('./Toasts.tsx');
  add(message);
}

/** Says what happened. With `undo` it offers to take it back for a quarter of a minute. */
export function notify(
  title: string,
  { undo, ...options }: { description?: string; undo?: () => Promise<unknown> } = {},
): void {
  const takeBack = undo && ((): void => void undo().then(() => notify('Undone'), notifyError));
  void show({ title, ...options, ...(takeBack && { undo: takeBack }) });
}

/** Says what went wrong and what to do about it. */
export function notifyError(error: unknown): void {
  const { message, next } = explain(error);
  void show({ title: message, description: next, isError: true });
}

/** Where messages appear. */
export function ToastHost() {
  const isNeeded = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => needed,
  );
  return isNeeded ? (
    <Suspense fallback={null}>
      <Toasts />
    </Suspense>
  ) : null;
}
