import { Progress as Base } from '@base-ui/react/progress';
import type { ReactNode } from 'react';
import styles from './Progress.module.css';

/** @param value 0 to 1; null while nobody knows */
export function Progress({
  label,
  value,
  text,
  hideLabel,
}: {
  readonly label: string;
  readonly value: number | null;
  /** Said beside the bar; the percentage when left out. */
  readonly text?: ReactNode;
  readonly hideLabel?: boolean;
}) {
  return (
    <Base.Root value={value === null ? null : Math.round(value * 1000) / 10} className={styles.root}>
      <Base.Label className={hideLabel === true ? 'visually-hidden' : styles.label}>{label}</Base.Label>
      {text !== undefined && <span className={styles.text}>{text}</span>}
      <Base.Track className={styles.track}>
        <Base.Indicator className={styles.indicator} />
      </Base.Track>
    </Base.Root>
  );
}
