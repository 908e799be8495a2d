// Numbers as people read them, never parted from their units at the end of a line.

/** A minus sign as wide as the plus. */
const minus = '\u2212';

const digits = (value: number, most: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: most, minimumFractionDigits: most });

/** A share, 0 to 1. */
export const percent = (value: number, most = 2): string => `${digits(100 * value, most)}\u00a0%`;

/** A difference of shares in percentage points. */
export function points(difference: number): string {
  const rounded = Math.round(1e4 * difference) / 100;
  const sign = rounded > 0 ? '+' : rounded < 0 ? minus : '';
  return `${sign}${digits(Math.abs(rounded), 2)}\u00a0points`;
}

const scaled = (value: number, base: number, units: readonly string[]): string => {
  let index = 0;
  while (Math.abs(value) >= base ** (index + 1) && index < units.length - 1) index += 1;
  const number = value / base ** index;
  const most = index === 0 ? 0 : number >= 100 ? 0 : number >= 10 ? 1 : 2;
  return `${digits(number, most)}${units[index] ?? ''}`;
};

/** Bytes in units of 1,000. */
export const bytes = (value: number): string =>
  scaled(value, 1000, ['\u00a0B', '\u00a0kB', '\u00a0MB', '\u00a0GB', '\u00a0TB']);

/** WebAssembly memory, which comes in binary units. */
export const mebibytes = (value: number): string => `${digits(value / 2 ** 20, 1)}\u00a0MiB`;

export const quantity = (value: number): string =>
  scaled(value, 1000, ['', '\u00a0k', '\u00a0M', '\u00a0G', '\u00a0T']);

export const milliseconds = (value: number): string => `${digits(value, value < 10 ? 2 : 1)}\u00a0ms`;

export const grouped = (value: number): string => value.toLocaleString('en-US');

/** Three significant digits. */
export const factor = (value: number): string => `\u00d7\u00a0${value.toPrecision(3)}`;

export const loss = (value: number): string => {
  const size = Math.abs(value);
  return value === 0
    ? '0'
    : size >= 0.001 && size < 1e4
      ? String(Number(value.toPrecision(3)))
      : value.toExponential(1);
};

export function duration(seconds: number): string {
  if (seconds < 90) return `${digits(seconds, seconds < 10 ? 1 : 0)}\u00a0s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes}\u00a0min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const date = (iso: string): string => iso.slice(0, 10);

/** At most `most` characters. */
export const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}\u2026`;
