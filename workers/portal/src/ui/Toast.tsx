import { Toast as Base } from '@base-ui/react/toast';
import type { ReactNode } from 'react';
import { explain } from '../api/explain.ts';
import { Button } from './Button.tsx';
import { Cross } from './icons.tsx';
import styles from './Toast.module.css';

const manager = Base.createToastManager();

/** How long a message stays, in milliseconds; one that offers to undo stays longer. */
const shownMs = 6000;
const undoMs = 15_000;

/** Says what happened. With `undo` it offers to take it back for a quarter of a minute. */
export function notify(
  title: string,
  options: { description?: string; undo?: () => Promise<unknown> } = {},
): void {
  const { description, undo } = options;
  const id: string = manager.add({
    title,
    ...(description !== undefined && { description }),
    timeout: undo === undefined ? shownMs : undoMs,
    ...(undo !== undefined && {
      actionProps: {
        children: 'Undo',
        onClick: () => {
          manager.close(id);
          undo().then(
            () => notify('Undone'),
            (error: unknown) => notifyError(error),
          );
        },
      },
    }),
  });
}

export function notifyError(error: unknown): void {
  const { message, next } = explain(error);
  manager.add({ title: message, description: next, type: 'error', priority: 'high', timeout: undoMs });
}

export function ToastProvider({ children }: { readonly children: ReactNode }) {
  return (
    <Base.Provider toastManager={manager} limit={3}>
      {children}
      <Base.Portal>
        <Base.Viewport className={styles.viewport}>
          <Toasts />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}

function Toasts() {
  const { toasts } = Base.useToastManager();
  return toasts.map((toast) => (
    <Base.Root key={toast.id} toast={toast} className={styles.toast}>
      <Base.Content className={styles.content}>
        <div>
          <Base.Title className={styles.title} render={<p />} />
          <Base.Description className={styles.description} />
        </div>
        {toast.actionProps !== undefined && <Base.Action render={<Button small />} />}
        <Base.Close className={styles.close} aria-label="Dismiss">
          <Cross />
        </Base.Close>
      </Base.Content>
    </Base.Root>
  ));
}
