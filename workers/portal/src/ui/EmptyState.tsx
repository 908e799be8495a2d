import type { ReactNode } from 'react';
import styles from './States.module.css';

/** Nothing is here yet: what it would be, and how it comes here. */
export function EmptyState({
  title,
  children,
  action,
}: {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}) {
  return (
    <div className={styles.empty}>
      <p className={styles.emptyTitle}>{title}</p>
      {children !== undefined && <div className={styles.emptyText}>{children}</div>}
      {action !== undefined && <div className="row">{action}</div>}
    </div>
  );
}
