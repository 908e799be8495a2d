import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import { Link } from 'wouter';
import { cx } from './cx.ts';
import styles from './Button.module.css';

export type ButtonKind = 'primary' | 'secondary' | 'quiet' | 'danger';

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly kind?: ButtonKind;
  readonly small?: boolean;
  /** Shows that something is going on and refuses further clicks. */
  readonly busy?: boolean;
  readonly ref?: Ref<HTMLButtonElement>;
}

export function Button({
  kind = 'secondary',
  small,
  busy,
  className,
  children,
  onClick,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy === true || undefined}
      aria-disabled={busy === true || rest['aria-disabled']}
      onClick={busy === true ? (event) => event.preventDefault() : onClick}
      className={cx(styles.button, styles[kind], small === true && styles.small, className)}
    >
      {busy === true && <span className={styles.spinner} aria-hidden="true" />}
      {children}
    </button>
  );
}

/** Looks like a button, goes somewhere. */
export function ButtonLink({
  to,
  kind = 'secondary',
  small,
  children,
}: {
  readonly to: string;
  readonly kind?: ButtonKind;
  readonly small?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <Link href={to} className={cx(styles.button, styles[kind], small === true && styles.small)}>
      {children}
    </Link>
  );
}
