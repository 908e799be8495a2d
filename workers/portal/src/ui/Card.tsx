import { useId, type ReactNode } from 'react';
import styles from './Card.module.css';

/** A titled piece of a page. `action` stands opposite its title. */
export function Card({
  title,
  hint,
  action,
  children,
}: {
  readonly title?: ReactNode;
  readonly hint?: ReactNode;
  readonly action?: ReactNode;
  readonly children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={styles.card} aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && (
        <header className={styles.header}>
          <div>
            <h2 id={id}>{title}</h2>
            {hint !== undefined && <p className={styles.hint}>{hint}</p>}
          </div>
          {action}
        </header>
      )}
      {children}
    </section>
  );
}

/** Figures with what they are: one large number each. */
export function Stats({
  items,
}: {
  readonly items: readonly { label: string; value: ReactNode; hint?: ReactNode }[];
}) {
  return (
    <dl className={styles.stats}>
      {items.map(({ label, value, hint }) => (
        <div key={label} className={styles.stat}>
          <dt>{label}</dt>
          <dd>{value}</dd>
          {hint !== undefined && <dd className={styles.statHint}>{hint}</dd>}
        </div>
      ))}
    </dl>
  );
}

/** Names with values, two columns. */
export function Facts({ items }: { readonly items: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={styles.facts}>
      {items.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
