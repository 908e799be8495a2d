import type { HashMessage } from './hash.worker.ts';

/**
 * SHA-256 of a file in hex.
 *
 * @throws {Error} when the file cannot be read (it was moved or changed); the signal's reason when it was stopped
 */
export function hashFile(
  file: File,
  onProgress: (hashedBytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./hash.worker.ts', import.meta.url), { type: 'module' });
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', stop);
      worker.terminate();
      settle();
    };
    const stop = (): void => end(() => reject(signal.reason as Error));
    if (signal.aborted) {
      stop();
      return;
    }
    signal.addEventListener('abort', stop);
    worker.addEventListener('message', ({ data }: MessageEvent<HashMessage>) => {
      if ('hashedBytes' in data) onProgress(data.hashedBytes);
      else if ('sha256' in data) end(() => resolve(data.sha256));
      else end(() => reject(new Error(`Cannot read ${file.name}: ${data.error}`)));
    });
    worker.addEventListener('error', () =>
      end(() => reject(new Error(`Cannot read ${file.name}: the reader did not start`))),
    );
    worker.postMessage(file);
  });
}
