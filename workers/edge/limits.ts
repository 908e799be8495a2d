import { TrunklineError } from '../../shared/errors.ts';
import { estimateHeapBytes } from '../../shared/heap.ts';

export const MiB = 2 ** 20;

/** The platform ends an isolate above 128 MB (JavaScript and WebAssembly together), so every large thing has its own ceiling. */
export const limits = {
  /** Request body as sent, and again once decompressed. */
  bodyBytes: 16 * MiB,
  /** JSON in a request: parsed numbers take several times the room of the text, so tensors this large belong in binary. */
  jsonBytes: 4 * MiB,
  /** Outputs of one reply, as tensors. */
  replyBytes: 16 * MiB,
  /** Elements of one output in JSON, about 20 bytes of text each. */
  jsonReplyElements: 2 ** 19,
  manifestBytes: 4 * MiB,
  /** Manifests kept parsed, counted as the bytes they were read from. */
  manifestCacheBytes: 8 * MiB,
  /** ONNX Runtime's heap may not grow past this: sessions, activations, inputs. */
  heapBytes: 80 * MiB,
  /** Heap and the JavaScript copy of the weights being loaded. What remains of the isolate is for bodies and code. */
  loadBytes: 100 * MiB,
  /**
   * Parts above this are loaded without packing their weights for speed: while it packs, ONNX Runtime holds a tensor
   * twice, and one tensor may be nearly the whole part. Unpacked, a batch of 16 took 1.2 to 1.6 times as long, one
   * sample 1.05 times.
   */
  packedPartBytes: 24 * MiB,
  /** How long an isolate trusts what it read from KV. KV itself may take a minute to show a change everywhere. */
  freshMs: 5_000,
  /**
   * Exposures wait this long for others to be sent with. What the platform ends an isolate with is lost, so not long.
   */
  exposureWaitMs: 1_000,
  /** Counts of requests wait this long: they are few, but each message is a write. The platform grants 30 s after a reply. */
  trafficWaitMs: 5_000,
  /** Waits before the second and third attempt to send a message. */
  sendRetryMs: [250, 1_000],
  /**
   * A shadow starts when no request was here for this long: a run blocks the isolate, and a reply is still on its way
   * out for a while after it was made. Measured in workerd with work of 100 ms: started at once it delays its own reply
   * by all of that, after 5 ms sometimes, after 20 ms seldom, after 50 ms not.
   */
  shadowQuietMs: 50,
  /** Shadows not begun this long after their reply are skipped. The platform grants 30 s after a reply. */
  shadowPatienceMs: 10_000,
  /** How soon a shadow looks again whether the one that runs has ended. */
  shadowTurnMs: 10,
  /** Shadows that may wait, and what they hold of inputs and outputs; above this they are skipped. */
  shadows: 32,
  shadowBytes: 8 * MiB,
} as const;

/** Whether sessions of `sizes` bytes each fit together, the largest being the last to load (the worst case). */
export function fits(sizes: readonly number[]): boolean {
  const heap = estimateHeapBytes(sizes.reduce((sum, size) => sum + size, 0));
  return heap <= limits.heapBytes && heap + Math.max(0, ...sizes) <= limits.loadBytes;
}

export const inMiB = (bytes: number): string => `${(bytes / MiB).toFixed(1)} MiB`;

/** @throws {TrunklineError} `unavailable`, with the numbers, when the sessions could not fit even with nothing else loaded. */
export function requireFit(what: string, sizes: readonly number[]): void {
  if (fits(sizes)) return;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const heap = estimateHeapBytes(total);
  const load = heap + Math.max(0, ...sizes);
  throw new TrunklineError(
    'unavailable',
    `Cannot load ${what}: ${inMiB(total)} of graphs and weights need ${inMiB(heap)} of ONNX Runtime heap (the limit is ` +
      `${inMiB(limits.heapBytes)}) and ${inMiB(load)} while loading (the limit is ${inMiB(limits.loadBytes)})`,
  );
}

/** ONNX Runtime found no room in its heap, whatever the estimate said. */
export class HeapFull extends TrunklineError {}
