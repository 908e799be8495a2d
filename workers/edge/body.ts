import { TrunklineError } from '../../shared/errors.ts';

/**
 * The body of a request, decompressed, never more than `limitBytes` of it in memory.
 *
 * @throws {TrunklineError} `too-large` above the limit (before or after decompression), `unsupported` for an unknown
 *   Content-Encoding, `invalid` when the body does not decompress.
 */
export async function readBody(request: Request, limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const body: ReadableStream<Uint8Array> | null = request.body;
  if (!body) return new Uint8Array(0);
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > limitBytes) {
    // Read to its end, without keeping it: a client that is cut off while it sends never sees the answer.
    await body.pipeTo(new WritableStream());
    throw tooLarge(`it has ${declared} bytes`, limitBytes);
  }

  const encoding = (request.headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  switch (encoding) {
    case 'identity':
      return collect(body, limitBytes, 'it has');
    case 'gzip':
    case 'deflate': {
      const inflated = body.pipeThrough(new DecompressionStream(encoding));
      try {
        return await collect(inflated, limitBytes, 'decompressed it has');
      } catch (error) {
        if (error instanceof TrunklineError) throw error;
        throw new TrunklineError('invalid', `Cannot read the body: it is not valid ${encoding}`, {
          cause: error,
        });
      }
    }
    default:
      throw new TrunklineError(
        'unsupported',
        `Cannot read the body: Content-Encoding "${encoding}" is not supported; send gzip, deflate or none`,
      );
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  limitBytes: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop by an error cancels the stream: what is left is not read.
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > limitBytes) throw tooLarge(`${what} more than ${limitBytes} bytes`, limitBytes);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const tooLarge = (what: string, limitBytes: number): TrunklineError =>
  new TrunklineError(
    'too-large',
    `The body is too large: ${what}, the limit is ${limitBytes}; send a smaller batch`,
  );
