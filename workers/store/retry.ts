import { TrunklineError } from '../../shared/errors.ts';

export interface Patience {
  attempts: number;
  /** Milliseconds before the second attempt, at most; each wait after it is at most twice as long. */
  firstDelayMs: number;
}

/** Storage that fails one call in ten fails five in a row once in 100,000 calls. */
const usual: Patience = { attempts: 5, firstDelayMs: 40 };

/**
 * Does what can be done twice without harm, again when it fails, after a random wait that grows. What was refused on
 * purpose (a `TrunklineError`) is refused at once.
 */
export async function retrying<T>(
  work: () => Promise<T>,
  { attempts, firstDelayMs }: Patience = usual,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= attempts || error instanceof TrunklineError) throw error;
      const delayMs = Math.random() * firstDelayMs * 2 ** (attempt - 1);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

/**
 * The same for whoever asked: what fails in the end is the storage's fault, and may be asked again.
 *
 * @throws {TrunklineError} `unavailable`
 */
export async function asking<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await retrying(work);
  } catch (cause) {
    if (cause instanceof TrunklineError) throw cause;
    throw new TrunklineError('unavailable', `Cannot ${what}: the storage failed; send the request again.`, {
      cause,
    });
  }
}
