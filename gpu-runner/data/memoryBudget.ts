/** The most that one data set may hold in memory unless the caller says otherwise. */
export const defaultMaxBytes = 2 * 2 ** 30;

/** More memory would be taken than is allowed: a larger budget is the way out, where there is the memory. */
export class MemoryBudgetError extends Error {
  override readonly name = 'MemoryBudgetError';
}

/** What reading a data set may allocate: asked before each large array, so that a file cannot take the machine down. */
export class MemoryBudget {
  readonly maxBytes: number;
  private usedBytes = 0;

  constructor(maxBytes = defaultMaxBytes) {
    this.maxBytes = maxBytes;
  }

  /** @throws {MemoryBudgetError} "<what> takes 3.10 GiB, 2.00 GiB of 2.00 GiB are left" */
  take(sizeBytes: number, what: string): void {
    const left = this.maxBytes - this.usedBytes;
    if (!(sizeBytes <= left))
      throw new MemoryBudgetError(
        `${what} takes ${showBytes(sizeBytes)} of memory, but ${showBytes(left)} of ${showBytes(this.maxBytes)} are left`,
      );
    this.usedBytes += sizeBytes;
  }

  release(sizeBytes: number): void {
    this.usedBytes -= sizeBytes;
  }
}

export function showBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return power === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** power).toFixed(2)} ${units[power] ?? ''}`;
}
