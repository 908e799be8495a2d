import { Field as Base } from '@base-ui/react/field';
import type { ComponentProps, ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './Field.module.css';

interface FieldProps {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  /** What is wrong with what was typed; null or absent: nothing. */
  readonly error?: string | null | undefined;
  readonly children: ReactNode;
}

/** A label, one control made for it (Input, TextArea, NativeSelect), a hint, and what is wrong. */
export function Field({ label, hint, error, children }: FieldProps) {
  const wrong = error !== null && error !== undefined;
  return (
    <Base.Root className={styles.field} invalid={wrong}>
      <Base.Label className={styles.label}>{label}</Base.Label>
      {children}
      {hint !== undefined && <Base.Description className={styles.hint}>{hint}</Base.Description>}
      {wrong && (
        <Base.Error match className={styles.error}>
          {error}
        </Base.Error>
      )}
    </Base.Root>
  );
}

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <Base.Control {...rest} className={cx(styles.control, className)} />;
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return (
    <Base.Control render={<textarea {...rest} />} className={cx(styles.control, styles.area, className)} />
  );
}

/** One tick with its label beside it. */
export function Check({
  label,
  hint,
  checked,
  onChange,
  disabled,
}: {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly disabled?: boolean;
}) {
  return (
    <label className={styles.check}>
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>
        {label}
        {hint !== undefined && <span className={styles.checkHint}>{hint}</span>}
      </span>
    </label>
  );
}
