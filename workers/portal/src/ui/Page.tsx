import { useEffect, type ReactNode } from 'react';
import { Link } from 'wouter';
import styles from './Page.module.css';

/** What every page starts with: its name, where it is, what can be done. Sets the window's title. */
export function Page({
  title,
  subtitle,
  crumbs = [],
  actions,
  children,
}: {
  readonly title: string;
  readonly subtitle?: ReactNode;
  /** The pages above this one: label and address. */
  readonly crumbs?: readonly (readonly [label: string, to: string])[];
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Trunkline`;
  }, [title]);
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <div className={styles.heading}>
          {crumbs.length > 0 && (
            <nav aria-label="Where you are" className={styles.crumbs}>
              {crumbs.map(([label, to]) => (
                <span key={to}>
                  <Link href={to}>{label}</Link> <span aria-hidden="true">/</span>
                </span>
              ))}
            </nav>
          )}
          <h1 tabIndex={-1} id="page-title">
            {title}
          </h1>
          {subtitle !== undefined && <div className={styles.subtitle}>{subtitle}</div>}
        </div>
        {actions !== undefined && <div className="row">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
