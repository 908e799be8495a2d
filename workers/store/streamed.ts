/** A stream that is made while it is read. `done` rejects when making it failed. */
export interface Streamed {
  body: ReadableStream;
  done: Promise<void>;
}

/**
 * Reads a stream to its end, and ends making it when reading fails.
 *
 * @throws what `read` throws, or else why the stream could not be made
 */
export async function streamed<T>(
  open: (signal: AbortSignal) => Streamed,
  read: (body: ReadableStream) => Promise<T>,
): Promise<T> {
  const reading = new AbortController();
  const { body, done } = open(reading.signal);
  const made = done.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  try {
    const result = await read(body);
    const failed = await made;
    if (failed !== null) throw failed.error;
    return result;
  } finally {
    reading.abort();
    await made;
  }
}
