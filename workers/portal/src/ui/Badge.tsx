import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './Badge.module.css';

export type Tone = 'neutral' | 'accent' | 'good' | 'warn' | 'bad';

export function Badge({
  tone = 'neutral',
  children,
}: {
  readonly tone?: Tone;
  readonly children: ReactNode;
}) {
  return <span className={cx(styles.badge, styles[tone])}>{children}</span>;
}

/** The state of a thing that changes: a dot that the word beside it explains. */
export function State({
  tone,
  live,
  children,
}: {
  readonly tone: Tone;
  readonly live?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <span className={cx(styles.state, styles[tone])}>
      <span className={cx(styles.dot, live === true && styles.live)} aria-hidden="true" />
      {children}
    </span>
  );
}

/** How a job's, endpoint's or experiment's state is shown. */
export const toneOf = (state: string): Tone =>
  (({
    queued: 'neutral',
    leased: 'accent',
    running: 'accent',
    succeeded: 'good',
    decided: 'good',
    failed: 'bad',
    'rolled-back': 'bad',
    cancelled: 'warn',
    paused: 'warn',
  })[state] as Tone | undefined) ?? 'neutral';
