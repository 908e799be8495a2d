import { Select as Base } from '@base-ui/react/select';
import { Chevron, Tick } from './icons.tsx';
import styles from './Select.module.css';

export interface SelectOption<Value extends string> {
  readonly value: Value;
  readonly label: string;
  /** A second line in the list. */
  readonly hint?: string;
  readonly disabled?: boolean;
}

/** One of several; the list opens over the page and is used with the arrow keys or by typing. */
export function Select<Value extends string>({
  label,
  value,
  options,
  onChange,
  placeholder = 'Choose',
  hideLabel,
  disabled,
}: {
  readonly label: string;
  readonly value: Value | null;
  readonly options: readonly SelectOption<Value>[];
  readonly onChange: (value: Value) => void;
  readonly placeholder?: string;
  readonly hideLabel?: boolean;
  readonly disabled?: boolean;
}) {
  return (
    <div className={styles.field}>
      <Base.Root
        items={options.map((option) => ({ value: option.value, label: option.label }))}
        value={value}
        disabled={disabled}
        onValueChange={(next: Value | null) => {
          if (next !== null) onChange(next);
        }}
      >
        <Base.Label className={hideLabel === true ? 'visually-hidden' : styles.label}>{label}</Base.Label>
        <Base.Trigger className={styles.trigger}>
          <Base.Value className={styles.value} placeholder={placeholder} />
          <Base.Icon className={styles.icon}>
            <Chevron />
          </Base.Icon>
        </Base.Trigger>
        <Base.Portal>
          <Base.Positioner className={styles.positioner} sideOffset={4} alignItemWithTrigger={false}>
            <Base.Popup className={styles.popup}>
              <Base.List>
                {options.map((option) => (
                  <Base.Item
                    key={option.value}
                    value={option.value}
                    disabled={option.disabled}
                    className={styles.item}
                  >
                    <Base.ItemIndicator className={styles.tick}>
                      <Tick />
                    </Base.ItemIndicator>
                    <span className={styles.itemText}>
                      <Base.ItemText>{option.label}</Base.ItemText>
                      {option.hint !== undefined && <span className={styles.hint}>{option.hint}</span>}
                    </span>
                  </Base.Item>
                ))}
              </Base.List>
            </Base.Popup>
          </Base.Positioner>
        </Base.Portal>
      </Base.Root>
    </div>
  );
}
