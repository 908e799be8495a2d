/** One point of a line; null where nothing is known. */
export interface Point {
  readonly x: number;
  readonly y: number | null;
}

/** An interval over a place of the x axis; null: that end is infinite. */
export interface Range {
  readonly x: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** The smallest interval with all finite values, a bit of air on both sides; never empty. */
export function extent(values: Iterable<number | null>, air = 0.06): readonly [low: number, high: number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  if (low === high) {
    const around = Math.abs(low) * 0.1 || 0.5;
    return [low - around, high + around];
  }
  const more = (high - low) * air;
  return [low - more, high + more];
}

/** The point of a list whose x is nearest, of several the last; undefined for an empty list. */
export function nearest<P extends { readonly x: number }>(points: readonly P[], x: number): P | undefined {
  let best: P | undefined;
  for (const point of points)
    if (best === undefined || Math.abs(point.x - x) <= Math.abs(best.x - x)) best = point;
  return best;
}

/** At most `limit` items of a list, evenly, its first and its last among them. */
export function thinned<T>(items: readonly T[], limit: number): T[] {
  if (items.length <= limit) return [...items];
  const picked = new Set(
    Array.from({ length: limit }, (_, at) => Math.round((at * (items.length - 1)) / (limit - 1))),
  );
  return items.filter((_, at) => picked.has(at));
}
