// Batches of exposures that could not be counted, kept as they came until somebody replays them. They have a store of
// their own: the edge reads the other one, and what requests there were is none of its business.

const prefix = 'exposures/';

/** Puts a message away. The same message put away twice is kept once. */
export async function keepDeadLetter(bucket: R2Bucket, messageId: string, body: unknown): Promise<void> {
  await bucket.put(`${prefix}${messageId}.json`, JSON.stringify(body), {
    httpMetadata: { contentType: 'application/json' },
  });
}

/** Keys of some of them, and where to go on: null when those were the last. */
export async function listDeadLetters(
  bucket: R2Bucket,
  limit: number,
  after?: string,
): Promise<{ keys: string[]; next: string | null }> {
  const from = after === undefined ? {} : { startAfter: after };
  const { objects, truncated } = await bucket.list({ prefix, limit, ...from });
  const keys = objects.map((object) => object.key);
  return { keys, next: truncated ? (keys.at(-1) ?? null) : null };
}

/** The message's text, or null when somebody else replayed it. */
export async function readDeadLetter(bucket: R2Bucket, key: string): Promise<string | null> {
  return (await (await bucket.get(key))?.text()) ?? null;
}

export async function deleteDeadLetter(bucket: R2Bucket, key: string): Promise<void> {
  await bucket.delete(key);
}
