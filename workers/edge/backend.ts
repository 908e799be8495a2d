import type { Tensor } from '../../shared/tensor.ts';

// What runs parts, to the rest of the edge: ONNX Runtime Web in the Worker (session.ts), its native build in Node.

export type Tensors = Readonly<Record<string, Tensor>>;

/** A loaded part. */
export interface Session {
  /** Answers the outputs named in `wanted`. */
  run(feeds: Tensors, wanted: readonly string[]): Promise<Tensors>;
  release(): Promise<void>;
}

/** The memory that sessions share. */
export interface Room {
  /** Whether sessions of these sizes in bytes fit together. */
  fits(sizes: readonly number[]): boolean;
  /** @throws {TrunklineError} `unavailable`, with the numbers, when they could not fit even with nothing else loaded */
  requireFit(what: string, sizes: readonly number[]): void;
}
