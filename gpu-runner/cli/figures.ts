// What people read: times without seconds, sizes in binary units.

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** "512 B", "1.5 MiB". */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** "2026-11-26 18:54", UTC, of an ISO time. */
export const moment = (iso: string): string => iso.slice(0, 16).replace('T', ' ');

/** "45 s", "3 min 10 s", "2 h 5 min". */
export function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** At most `most` of them, and how many there are. */
export function listed(all: readonly string[], most = 10): string {
  if (all.length <= most) return all.join(', ');
  return `${all.slice(0, most).join(', ')} ... (${all.length})`;
}
