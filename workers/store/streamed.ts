/** A stream that is made while it is read. `done` rejects when making it failed. */
export interface Streamed {
  body: ReadableStream;
  done: Promise<void>;
}

/**
 * Reads a stream to its end, and ends making it when reading fails.
 *
 * @param open makes the stream until the signal, and then rejects with its reason
 * @throws why the stream could not be made (to its reader that is a broken connection), or else what `read` throws
 */
export async function streamed<T>(
  open: (signal: AbortSignal) => Streamed,
  read: (body: ReadableStream) => Promise<T>,
): Promise<T> {
  const reading = new AbortController();
  const unread = new Error('nobody reads the stream any more');
  const { body, done } = open(reading.signal);
  const made = done.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  let result: T;
  try {
    result = await read(body);
  } catch (error) {
    reading.abort(unread);
    const failed = await made;
    throw failed === null || failed.error === unread ? error : failed.error;
  }
  const failed = await made;
  if (failed !== null) throw failed.error;
  return result;
}
