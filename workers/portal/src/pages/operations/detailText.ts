/** Hex digits of digests that are kept: they tell them apart, all 64 tell nobody more. */
const shownDigits = 10;

/** An audit entry's details in one line: "version 3, tasks digit 1a2b3c4d5e…". */
export function detailText(detail: unknown): string {
  if (detail === null || detail === undefined) return '—';
  if (Array.isArray(detail)) return detail.map(detailText).join(', ');
  if (typeof detail === 'object')
    return Object.entries(detail)
      .map(([name, value]) => `${name} ${detailText(value)}`)
      .join(', ');
  return (typeof detail === 'string' ? detail : JSON.stringify(detail)).replaceAll(
    /\b[0-9a-f]{64}\b/g,
    (digest) => `${digest.slice(0, shownDigits)}…`,
  );
}
