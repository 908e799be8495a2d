import { AlertDialog as BaseAlert } from '@base-ui/react/alert-dialog';
import { Dialog as Base } from '@base-ui/react/dialog';
import { useState, type ReactElement, type ReactNode } from 'react';
import { Button } from './Button.tsx';
import { ErrorState } from './ErrorState.tsx';
import { Cross } from './icons.tsx';
import styles from './Dialog.module.css';

/** A window over the page. `open` is the caller's; Escape, the cross and the backdrop ask to close it. */
export function Dialog({
  open,
  onClose,
  title,
  description,
  children,
  footer,
  wide,
}: {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly description?: ReactNode;
  readonly children: ReactNode;
  readonly footer?: ReactNode;
  readonly wide?: boolean;
}) {
  return (
    <Base.Root
      open={open}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
    >
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Popup className={`${styles.popup} ${wide === true ? styles.wide : ''}`}>
          <header className={styles.header}>
            <Base.Title className={styles.title}>{title}</Base.Title>
            <Base.Close className={styles.close} aria-label="Close">
              <Cross />
            </Base.Close>
          </header>
          {description !== undefined && (
            <Base.Description className={styles.description}>{description}</Base.Description>
          )}
          <div className={styles.body}>{children}</div>
          {footer !== undefined && <footer className={styles.footer}>{footer}</footer>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/**
 * Asks once before what cannot be undone. `trigger` is a Button; `onConfirm` does it, and the question stays open with
 * the reason when that fails.
 */
export function Confirm({
  trigger,
  title,
  description,
  action,
  onConfirm,
  danger = true,
}: {
  readonly trigger: ReactElement;
  readonly title: string;
  readonly description: ReactNode;
  /** What the button says: a verb. */
  readonly action: string;
  readonly onConfirm: () => Promise<unknown>;
  readonly danger?: boolean;
}) {
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const confirm = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      setOpen(false);
    } catch (reason) {
      setError(reason);
    } finally {
      setBusy(false);
    }
  };
  return (
    <BaseAlert.Root
      open={open}
      onOpenChange={(next) => {
        setOpen(next);
        if (next) setError(null);
      }}
    >
      <BaseAlert.Trigger render={trigger} />
      <BaseAlert.Portal>
        <BaseAlert.Backdrop className={styles.backdrop} />
        <BaseAlert.Popup className={styles.popup}>
          <header className={styles.header}>
            <BaseAlert.Title className={styles.title}>{title}</BaseAlert.Title>
          </header>
          <BaseAlert.Description className={styles.description} render={<div />}>
            {description}
          </BaseAlert.Description>
          {error !== null && <ErrorState error={error} compact />}
          <footer className={styles.footer}>
            <BaseAlert.Close render={<Button />}>Keep as it is</BaseAlert.Close>
            <Button kind={danger ? 'danger' : 'primary'} busy={busy} onClick={() => void confirm()}>
              {action}
            </Button>
          </footer>
        </BaseAlert.Popup>
      </BaseAlert.Portal>
    </BaseAlert.Root>
  );
}
