const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];

/** The int64 of an integer attribute; a double beyond the range, as INT64_MAX becomes when read, is the nearest one. */
export function toInt64(value: number): bigint {
  const integer = BigInt(value);
  return integer > most ? most : integer < least ? least : integer;
}
