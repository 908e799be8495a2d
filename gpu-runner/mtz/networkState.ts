import { CheckpointError } from '../engine/checkpointError.ts';
import { between, joined, sizeOf, type Pieces } from '../engine/pieces.ts';
import { readModel } from '../onnx/read.ts';
import { writeModel } from '../onnx/write.ts';
import { matrix } from '../linalg/matrix.ts';
import type { Block, InputBlock, Network, Rows } from './network.ts';

/** What of a network cannot be read again from its sources, as JSON and an array of numbers. */
export interface NetworkState {
  readonly groups: readonly (readonly Block[])[];
  readonly rows: readonly {
    readonly step: string;
    readonly rows: readonly (Pick<Rows, 'segment' | 'tasks'> & {
      readonly parts: readonly {
        readonly use: number;
        readonly inputs: readonly InputBlock[];
        readonly channels: number;
        readonly columns: number;
        readonly hasBias: boolean;
      }[];
    })[];
  }[];
  /** Bytes of each task's tail as an ONNX model; 0 where it has none. */
  readonly tails: readonly number[];
}

/** A network's blocks as JSON, its weights (which float32 holds exactly) and tails as bytes, in order. */
export function saveNetwork(network: Network): { state: NetworkState; bytes: Uint8Array<ArrayBuffer>[] } {
  const bytes: Uint8Array<ArrayBuffer>[] = [];
  const put = (values: Float64Array): void => {
    bytes.push(new Uint8Array(new Float32Array(values).buffer));
  };
  const rows = [...network.rows].map(([step, all]) => ({
    step,
    rows: all.map(({ segment, tasks, parts }) => ({
      segment,
      tasks,
      parts: parts.map(({ use, inputs, weight, bias }) => {
        put(weight.data);
        if (bias) put(bias);
        return { use, inputs, channels: weight.rows, columns: weight.cols, hasBias: bias !== null };
      }),
    })),
  }));
  const tails = network.tails.map((tail) => {
    if (!tail) return 0;
    const model = new Uint8Array(writeModel(tail.graph));
    bytes.push(model);
    return model.length;
  });
  return { state: { groups: network.groups, rows, tails }, bytes };
}

/**
 * The network that {@link saveNetwork} saved.
 *
 * @param fresh the networks side by side, as they were when the saved one began
 * @throws {CheckpointError} when the bytes do not hold what the state says.
 */
export function loadNetwork(fresh: Network, { groups, rows, tails }: NetworkState, pieces: Pieces): Network {
  const size = sizeOf(pieces);
  let at = 0;
  const take = (length: number): Uint8Array<ArrayBuffer> => {
    if (at + length > size)
      throw new CheckpointError(`Cannot read a network: ${size} bytes hold less than its state says`);
    at += length;
    return joined(between(pieces, at - length, at));
  };
  const values = (count: number): Float64Array => new Float64Array(new Float32Array(take(4 * count).buffer));
  const loaded = new Map(
    rows.map(({ step, rows: all }) => [
      step,
      all.map(({ segment, tasks, parts }): Rows => ({
        segment,
        tasks,
        parts: parts.map(({ use, inputs, channels, columns, hasBias }) => ({
          use,
          inputs,
          weight: matrix(channels, columns, values(channels * columns)),
          bias: hasBias ? values(channels) : null,
        })),
      })),
    ]),
  );
  const read = fresh.tails.map((tail, task) => {
    const length = tails[task] ?? 0;
    return tail && length > 0 ? { ...tail, graph: readModel(take(length)) } : tail;
  });
  return { ...fresh, groups, rows: loaded, tails: read };
}
