import { Toast as Base } from '@base-ui/react/toast';
import { useEffect } from 'react';
import { Button } from './Button.tsx';
import { Cross } from './icons.tsx';
import type { Message } from './message.ts';
import styles from './Toast.module.css';

const manager = Base.createToastManager();
/** Kept until somebody shows them: the first message comes before the place for it. */
const early: Message[] = [];
let isShown = false;

/** How long a message stays, in milliseconds; one that offers to undo, or says what went wrong, stays longer. */
const shownMs = 6000;
const longMs = 15_000;

export function add(message: Message): void {
  if (!isShown) {
    early.push(message);
    return;
  }
  const { title, description, isError, undo } = message;
  const id: string = manager.add({
    title,
    ...(description !== undefined && { description }),
    ...(isError === true && { type: 'error', priority: 'high' as const }),
    timeout: isError === true || undo !== undefined ? longMs : shownMs,
    ...(undo !== undefined && {
      actionProps: {
        children: 'Undo',
        onClick: () => {
          manager.close(id);
          undo();
        },
      },
    }),
  });
}

export default function Toasts() {
  return (
    <Base.Provider toastManager={manager} limit={3}>
      <Base.Portal>
        <Base.Viewport className={styles.viewport}>
          <List />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}

function List() {
  const { toasts } = Base.useToastManager();
  useEffect(() => {
    isShown = true;
    for (const message of early.splice(0)) add(message);
  }, []);
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
