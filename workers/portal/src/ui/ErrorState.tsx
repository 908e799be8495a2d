import { explain } from '../api/explain.ts';
import { Button } from './Button.tsx';
import { Warning } from './icons.tsx';
import styles from './States.module.css';

/** What went wrong, its code, and what to do next. */
export function ErrorState({
  error,
  onRetry,
  compact,
}: {
  readonly error: unknown;
  readonly onRetry?: (() => void) | undefined;
  readonly compact?: boolean;
}) {
  const { code, message, next, retry } = explain(error);
  return (
    <div className={compact === true ? styles.errorCompact : styles.error} role="alert">
      <span className={styles.errorIcon}>
        <Warning />
      </span>
      <div>
        <p className={styles.message}>
          {message} <code className={styles.code}>{code}</code>
        </p>
        <p className={styles.next}>{next}</p>
        {retry && onRetry !== undefined && (
          <Button small onClick={onRetry}>
            Try again
          </Button>
        )}
      </div>
    </div>
  );
}
