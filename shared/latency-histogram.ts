// Latencies counted in buckets that are the same everywhere, so that counts of isolates, minutes and days just add up.

/** Buckets to a doubling: those of OpenTelemetry's exponential histograms at scale 3. */
const perDoubling = 8;
/** The lowest bucket begins here, at 2^-6 ms. What is quicker, 0 ms too, is counted in the bucket below as 0 ms. */
const lowest = -6 * perDoubling;
/** The highest ends at 2^20 ms, 17 minutes. What is slower is counted there. */
const highest = 20 * perDoubling - 1;

/** Half a bucket: how far `quantileOf()` may be off, relative to the latency, between 2^-6 ms and 2^20 ms. */
export const latencyAccuracy = (2 ** (1 / perDoubling) - 1) / (2 ** (1 / perDoubling) + 1);

/** Requests by bucket; bucket i holds those above 2^(i/8) and up to 2^((i+1)/8) milliseconds. */
export type LatencyHistogram = Readonly<Record<string, number>>;

/** The bucket of a latency of `ms` milliseconds. */
export function latencyBucket(ms: number): number {
  if (!(ms > 2 ** (lowest / perDoubling))) return lowest - 1;
  return Math.min(highest, Math.ceil(Math.log2(ms) * perDoubling) - 1);
}

/** Milliseconds that stand for a bucket: equally far, relatively, from both of its ends. */
function latencyOf(bucket: number): number {
  if (bucket < lowest) return 0;
  return (2 ** ((bucket + 1) / perDoubling) * 2) / (2 ** (1 / perDoubling) + 1);
}

/** Adds counts up, key by key: of histograms, of errors by code. */
export function addCounts<Key extends string>(
  ...all: readonly Partial<Readonly<Record<Key, number>>>[]
): Partial<Record<Key, number>> {
  const sum: Partial<Record<Key, number>> = {};
  for (const one of all)
    for (const [key, count] of Object.entries(one) as [Key, number][]) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}

/** How many there are in all. */
export const totalOf = (counts: Readonly<Partial<Record<string, number>>>): number =>
  Object.values(counts).reduce<number>((sum, count) => sum + (count ?? 0), 0);

/**
 * The latency in milliseconds that a share `quantile` (0 to 1) of the requests did not exceed, to `latencyAccuracy`; null
 * when there were none.
 */
export function quantileOf(histogram: LatencyHistogram, quantile: number): number | null {
  const buckets = Object.entries(histogram)
    .map(([bucket, requests]) => ({ bucket: Number(bucket), requests }))
    .toSorted((a, b) => a.bucket - b.bucket);
  // The smallest number of requests that is that share of them, counted from the quickest.
  let rest = Math.max(1, Math.ceil(quantile * totalOf(histogram)));
  for (const { bucket, requests } of buckets) {
    rest -= requests;
    if (rest <= 0) return latencyOf(bucket);
  }
  return null;
}
