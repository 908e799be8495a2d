// Numbers for people: always with a unit, never with more digits than they mean.

const space = '\u00a0';

/** Three significant digits: 6.94, 12.3, 512. */
const digits = (value: number): string => {
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
};

function scaled(value: number, steps: readonly string[], base: number): string {
  let at = 0;
  let rest = value;
  // Half a unit early, so that 999.6 becomes 1.00 of the next and not 1000 of this one.
  while (at < steps.length - 1 && Math.abs(rest) >= base - 0.5) {
    rest /= base;
    at += 1;
  }
  const unit = steps[at] ?? '';
  return `${at === 0 ? Math.round(rest).toString() : digits(rest)}${unit === '' ? '' : space + unit}`;
}

/** "512 B", "6.94 MB" (decimal, as files are sold and downloaded). */
export const formatBytes = (bytes: number): string => scaled(bytes, ['B', 'kB', 'MB', 'GB', 'TB'], 1000);

/** "431", "61.7 k", "7.26 M". */
export const formatCount = (count: number): string => scaled(count, ['', 'k', 'M', 'G', 'T'], 1000);

/** "1,234,567". */
export const formatExact = (count: number): string => count.toLocaleString('en-US');

/** A share of 0 to 1: "98.90 %". */
export const formatPercent = (share: number, decimals = 2): string =>
  `${(share * 100).toFixed(decimals)}${space}%`;

/** Milliseconds as people read them: "0.82 ms", "5.4 s", "3 min 20 s", "2 h 5 min". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${digits(ms)}${space}ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)}${space}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}${space}min${space}${Math.floor(seconds % 60)}${space}s`;
  return `${Math.floor(minutes / 60)}${space}h${space}${minutes % 60}${space}min`;
}

/** "3 models", "1 model". */
export const formatPlural = (count: number, one: string, many = `${one}s`): string =>
  `${formatExact(count)} ${count === 1 ? one : many}`;

/** A tensor's dims: "N × 1 × 28 × 28"; -1 is any size. */
export const formatDims = (dims: readonly number[]): string =>
  dims.length === 0 ? 'scalar' : dims.map((dim) => (dim < 0 ? 'N' : formatExact(dim))).join(' × ');

/** The first digits of a digest. */
export const shortDigest = (sha256: string): string => sha256.slice(0, 10);

const ages: readonly [number, Intl.RelativeTimeFormatUnit][] = [
  [60_000, 'second'],
  [3_600_000, 'minute'],
  [86_400_000, 'hour'],
  [7 * 86_400_000, 'day'],
];
const unitMs: Partial<Record<Intl.RelativeTimeFormatUnit, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** "3 minutes ago" within a week of `now`, the local date and time otherwise. */
export function formatTime(iso: string, now: number = Date.now()): string {
  const at = Date.parse(iso);
  const age = Math.abs(now - at);
  if (age < 10_000) return 'just now';
  for (const [limit, unit] of ages) {
    if (age < limit)
      return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(
        Math.round((at - now) / (unitMs[unit] ?? 1000)),
        unit,
      );
  }
  return new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
}

/** "2026-11-25 14:03:22 UTC". */
export const formatUtc = (iso: string): string =>
  `${new Date(iso).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
