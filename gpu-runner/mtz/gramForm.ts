/**
 * What is computed from the Gram matrices of a layer holds at most this many bytes at once, all tasks together, if nothing
 * else is said: 4 GiB.
 */
export const defaultGramBytes = 4 * 2 ** 30;

/** Inputs of a layer, the constant one of the bias among them, above which no whole Gram matrix (2 GiB) is made, whatever fits. */
export const maxDenseInputs = 16_384;

/** How a layer's inputs are measured: every entry of the Gram matrix, or so many samples that stand for it. */
export type GramForm = { readonly kind: 'dense' } | { readonly kind: 'factored'; readonly samples: number };

/** Of one layer. */
export interface GramSize {
  readonly name: string;
  /** Of the widest task, the constant one of the bias among them. */
  readonly inputs: number;
  /** Output positions: inputs of one sample. */
  readonly positions: number;
  readonly tasks: number;
}

/**
 * Bytes of Gram matrices while a layer is shared: every task's as measured and as the network's layout has it, the sums of
 * both sides, their sum and its factor.
 */
export const denseBytes = ({ inputs, tasks }: GramSize): number => 8 * inputs ** 2 * (2 * tasks + 3);

/** The same, each as so many rows of samples, with the system that these make and its factor. */
export function factoredBytes({ inputs, tasks }: GramSize, rows: number): number {
  return 8 * (inputs * rows * (2 * tasks + 1) + 2 * (tasks * rows) ** 2);
}

/**
 * The exact matrix where it fits and has not too many inputs; otherwise, the most samples that do, up to those asked for.
 *
 * @param samples of each task that are asked for
 * @param maxBytes what may be held at once
 * @throws {Error} when not even one sample of each task fits.
 */
export function gramForm(size: GramSize, samples: number, maxBytes: number): GramForm {
  if (size.inputs <= maxDenseInputs && denseBytes(size) <= maxBytes) return { kind: 'dense' };
  let [fits, tooMany] = [0, samples + 1];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (factoredBytes(size, middle * size.positions) <= maxBytes) fits = middle;
    else tooMany = middle;
  }
  if (fits > 0 || samples === 0) return { kind: 'factored', samples: fits };
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toPrecision(3)} GiB`;
  throw new Error(
    `Cannot measure ${size.name}: the Gram matrices of its ${size.inputs} inputs would take ${gib(denseBytes(size))}, ` +
      `one sample of ${size.positions} positions ${gib(factoredBytes(size, size.positions))}; ${gib(maxBytes)} are allowed`,
  );
}
