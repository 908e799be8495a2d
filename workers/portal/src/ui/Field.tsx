import { createContext, useContext, useId, type ComponentProps, type ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './Field.module.css';

interface Described {
  readonly id: string;
  readonly describedBy: string | undefined;
  readonly invalid: boolean;
}

const FieldContext = createContext<Described | null>(null);

interface FieldProps {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  /** What is wrong with what was typed; null or absent: nothing. */
  readonly error?: string | null | undefined;
  readonly children: ReactNode;
}

/** A label, one control made for it (Input, TextArea), a hint, and what is wrong: all said together by screen readers. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const invalid = error !== null && error !== undefined;
  const described = [hint === undefined ? null : `${id}-hint`, invalid ? `${id}-error` : null]
    .filter((one) => one !== null)
    .join(' ');
  return (
    <div className={styles.field}>
      <label className={styles.label} htmlFor={id}>
        {label}
      </label>
      <FieldContext value={{ id, describedBy: described === '' ? undefined : described, invalid }}>
        {children}
      </FieldContext>
      {hint !== undefined && (
        <p className={styles.hint} id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {/* Always there, so that what appears in it is said. */}
      <p className={styles.error} id={`${id}-error`} aria-live="polite">
        {error}
      </p>
    </div>
  );
}

function useDescribed() {
  const field = useContext(FieldContext);
  return field === null
    ? {}
    : {
        id: field.id,
        'aria-describedby': field.describedBy,
        'aria-invalid': field.invalid || undefined,
      };
}

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input {...useDescribed()} {...rest} className={cx(styles.control, className)} />;
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea {...useDescribed()} {...rest} className={cx(styles.control, styles.area, className)} />;
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
