// Numbers as people read them in tables.

/** A fraction, 0 to 1, in per cent. */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** A difference of fractions in percentage points, with its sign. */
export const points = (difference: number): string => `${signed(100 * difference)} points`;

/** In millions. */
export const mega = (value: number, unit: string): string => `${(value / 1e6).toFixed(2)} ${unit}`;

export const ms = (value: number): string => `${value.toFixed(2)} ms`;

/** Two decimals, and never "-0.00". */
export function signed(value: number): string {
  const text = value.toFixed(2);
  if (Number(text) === 0) return '0.00';
  return value > 0 ? `+${text}` : text;
}

export const grouped = (count: number): string => count.toLocaleString('en-US');
