import { useId } from 'react';
import type { SelectOption } from './Select.tsx';
import styles from './Select.module.css';

/** A short choice beside something else, by the browser's own control: what draws `Select` is a fifth of a first load. */
export function NativeSelect<Value extends string>({
  label,
  hideLabel,
  value,
  options,
  onChange,
}: {
  readonly label: string;
  readonly hideLabel?: boolean;
  readonly value: Value | null;
  readonly options: readonly SelectOption<Value>[];
  readonly onChange: (value: Value) => void;
}) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={hideLabel === true ? 'visually-hidden' : styles.label}>
        {label}
      </label>
      <select
        id={id}
        className={styles.trigger}
        value={value ?? ''}
        onChange={({ currentTarget }) => {
          const chosen = options.find((option) => option.value === currentTarget.value);
          if (chosen) onChange(chosen.value);
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value} disabled={option.disabled}>
            {option.hint === undefined ? option.label : `${option.label} (${option.hint})`}
          </option>
        ))}
      </select>
    </div>
  );
}
