import { Dialog } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';
import { Cross } from '../ui/icons.tsx';
import styles from './Shell.module.css';

/** The navigation over the page, on a phone. */
export default function Drawer({
  onClose,
  children,
}: {
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  return (
    <Dialog.Root
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.drawer}>
          <Dialog.Title className="visually-hidden">Menu</Dialog.Title>
          {children}
          <Dialog.Close className={styles.close} aria-label="Close the menu">
            <Cross />
          </Dialog.Close>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
