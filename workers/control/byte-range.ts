/** Bytes `offset` to `offset + length - 1`. */
export interface ByteRange {
  offset: number;
  length: number;
}

/**
 * What a Range header (RFC 9110) asks of `sizeBytes` bytes: one range, or null for the whole, which is also the answer to
 * what is no byte range and to several ranges at once.
 */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | null | 'unsatisfiable' {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return null;
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? 'unsatisfiable' : { offset: sizeBytes - length, length };
  }
  const offset = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== '' && Number(last) < offset) return null;
  return offset >= sizeBytes ? 'unsatisfiable' : { offset, length: end - offset + 1 };
}
