const units: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** What settings in bytes look like. */
export const bytesAllowed = 'bytes or a number of KiB, MiB, GiB or TiB';

/** "512 MiB" in bytes; undefined where it is none of {@link bytesAllowed}, or 0. */
export function parseBytes(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d+) *([KMGT]iB)?$/.exec(text.trim()) ?? [];
  const bytes = Number(digits) * (units[unit] ?? NaN);
  return digits !== '' && Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}
