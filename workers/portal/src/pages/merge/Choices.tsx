import { useId } from 'react';
import styles from './merge.module.css';

/** One of a few, each with what it means. */
export function Choices<Value extends string>({
  label,
  value,
  options,
  onChange,
}: {
  readonly label: string;
  /** Null: none of them. */
  readonly value: Value | null;
  readonly options: readonly { readonly id: Value; readonly label: string; readonly hint: string }[];
  readonly onChange: (value: Value) => void;
}) {
  const name = useId();
  return (
    <fieldset className={styles.choices}>
      <legend>{label}</legend>
      {options.map((option) => (
        <label key={option.id} className={styles.choice}>
          <input
            type="radio"
            name={name}
            checked={value === option.id}
            onChange={() => onChange(option.id)}
          />
          <strong>{option.label}</strong>
          <span>{option.hint}</span>
        </label>
      ))}
    </fieldset>
  );
}
