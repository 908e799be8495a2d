/**
 * Gram matrices, and what is computed from them, hold at most this many bytes at once if nothing else is said: those of the
 * layer at hand, all tasks together, and those that are kept for later. 4 GiB.
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
 * Bytes of Gram matrices while a layer is shared: every task's as measured and as the network's layout has it, those of
 * both sides, their sum, its factor, and a quarter that factoring it works in.
 */
export const denseBytes = ({ inputs, tasks }: GramSize): number => 8 * inputs ** 2 * (2 * tasks + 4.25);

/** The same, each as so many rows of samples, with the system that these make, its factor and the quarter. */
export function factoredBytes({ inputs, tasks }: GramSize, rows: number): number {
  return 8 * (inputs * rows * 3 * tasks + 2.25 * (tasks * rows) ** 2);
}

/** Bytes while a layer is shared, measured in a form. */
export const bytesIn = (form: GramForm, size: GramSize): number =>
  form.kind === 'dense' ? denseBytes(size) : factoredBytes(size, form.samples * size.positions);

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
  throw new Error(
    `Cannot measure ${size.name}: the Gram matrices of its ${size.inputs} inputs would take ${sized(denseBytes(size))}, ` +
      `one sample of ${size.positions} positions ${sized(factoredBytes(size, size.positions))}; ` +
      `${sized(maxBytes)} are allowed: allow more memory for Gram matrices`,
  );
}

/** "4 GiB", three digits at most. */
export function sized(bytes: number): string {
  const power = Math.min(3, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${['bytes', 'KiB', 'MiB', 'GiB'][power] ?? ''}`;
}
