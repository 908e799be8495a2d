/**
 * A training state as the bytes of a file, the same bytes for the same state:
 *
 *   8 bytes   "TRNKCKPT"
 *   4 bytes   version of the format, little-endian
 *   4 bytes   length of the header, little-endian, a multiple of 8
 *   header    JSON: the run it belongs to, the step, each vector's name, dtype, dims and offset from the data's start
 *   data      the vectors, little-endian, each at a multiple of 8
 *   32 bytes  SHA-256 of everything before
 */
import { toHex } from '../../shared/digest.ts';
import { CheckpointError } from './checkpointError.ts';
import { between, joined, sha256OfPieces, sizeOf, type Pieces } from './pieces.ts';
import { differenceOf, type RunIdentity } from './runIdentity.ts';
import type { BestSoFar, TrainState } from './trainState.ts';

const magic = 'TRNKCKPT';
const version = 1;
const headerStart = 16;
const digestLength = 32;

type Vector = Float32Array | Float64Array;

interface Entry {
  readonly name: string;
  readonly dtype: 'float32' | 'float64';
  readonly dims: readonly [number];
  readonly offset: number;
}

interface Header {
  readonly run: RunIdentity;
  readonly step: number;
  readonly best?: Pick<BestSoFar, 'score' | 'step' | 'waits'>;
  readonly vectors: readonly Entry[];
}

/**
 * @param run what `identifyRun` says of the options that the state belongs to
 * @returns the vectors themselves among the pieces, not copied
 */
export async function encodeCheckpoint(state: TrainState, run: RunIdentity): Promise<Pieces> {
  const vectors = vectorsOf(state);
  let dataLength = 0;
  const entries = vectors.map(([name, vector]): Entry => {
    const offset = dataLength;
    dataLength += padded(vector.byteLength);
    return {
      name,
      dtype: vector instanceof Float32Array ? 'float32' : 'float64',
      dims: [vector.length],
      offset,
    };
  });
  const { step, best } = state;
  const header: Header = {
    run: Object.fromEntries(sorted(run)),
    step,
    ...(best && { best: { score: best.score, step: best.step, waits: best.waits } }),
    vectors: entries,
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const start = new Uint8Array(headerStart + padded(json.length));
  new TextEncoder().encodeInto(magic, start);
  const view = new DataView(start.buffer);
  view.setUint32(8, version, true);
  view.setUint32(12, padded(json.length), true);
  start.fill(0x20, headerStart).set(json, headerStart);
  const data = vectors.flatMap(([, vector]) => {
    const { buffer, byteOffset, byteLength } = vector as
      Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
    const rest = padded(byteLength) - byteLength;
    return [new Uint8Array(buffer, byteOffset, byteLength), ...(rest > 0 ? [new Uint8Array(rest)] : [])];
  });
  const body = [start, ...data];
  return [...body, await sha256OfPieces(body)];
}

/**
 * @throws {CheckpointError} when the bytes are no checkpoint, are cut off or damaged, are of another version, or belong to
 * another run than `run`.
 */
export async function decodeCheckpoint(pieces: Pieces, run: RunIdentity): Promise<TrainState> {
  const refuse = (reason: string): Error => new CheckpointError(`Cannot read the checkpoint: ${reason}`);
  const size = sizeOf(pieces);
  const read = (from: number, to: number): Uint8Array<ArrayBuffer> => joined(between(pieces, from, to));
  const start = read(0, headerStart);
  if (new TextDecoder('latin1').decode(start.subarray(0, magic.length)) !== magic)
    throw refuse(`its ${size} bytes do not begin as one`);
  if (size < headerStart + digestLength) throw refuse(`it is cut off after ${size} bytes`);
  const view = new DataView(start.buffer);
  const found = view.getUint32(8, true);
  if (found !== version) throw refuse(`it is of version ${found}, this program writes ${version}`);
  const end = size - digestLength;
  if (toHex(await sha256OfPieces(between(pieces, 0, end))) !== toHex(read(end, size)))
    throw refuse(`its ${size} bytes do not match its digest: it is cut off or damaged`);

  const dataStart = headerStart + view.getUint32(12, true);
  const json = new TextDecoder().decode(read(headerStart, dataStart));
  // What the digest vouches for was written by `encodeCheckpoint`.
  const header = JSON.parse(json) as Header;
  const difference = differenceOf(header.run, run);
  if (difference !== undefined)
    throw new CheckpointError(
      `Cannot resume training: the checkpoint belongs to another run (${difference})`,
    );
  return stateOf(
    header,
    new Map(
      header.vectors.map(({ name, dtype, dims: [length], offset }) => {
        const from = dataStart + offset;
        const { buffer } = read(from, from + length * (dtype === 'float32' ? 4 : 8));
        return [name, dtype === 'float32' ? new Float32Array(buffer) : new Float64Array(buffer)];
      }),
    ),
  );
}

/** All vectors of a state by names with the group in front, in an order that depends on the names only. */
function vectorsOf({ parameters, optimiser, statistics, lossHistory, best }: TrainState): [string, Vector][] {
  const group = (prefix: string, vectors: Readonly<Record<string, Vector>>): [string, Vector][] =>
    sorted(vectors).map(([name, vector]) => [prefix + name, vector]);
  return [
    ['parameters', parameters],
    ...group('optimiser/', optimiser),
    ...group('statistics/', statistics),
    ...group('losses/', lossHistory ?? {}),
    ...(best ? group('best/', { parameters: best.parameters }) : []),
    ...group('best/statistics/', best?.statistics ?? {}),
  ];
}

function stateOf({ step, best }: Header, vectors: ReadonlyMap<string, Vector>): TrainState {
  const floats = (name: string): Float32Array => {
    const vector = vectors.get(name);
    if (vector instanceof Float32Array) return vector;
    throw new CheckpointError(`Cannot read the checkpoint: it has no float32 vector "${name}"`);
  };
  const group = (prefix: string): Record<string, Float32Array> =>
    Object.fromEntries(
      [...vectors.keys()]
        .filter((name) => name.startsWith(prefix))
        .map((name) => [name.slice(prefix.length), floats(name)]),
    );
  const [sum, last, before] = ['sum', 'last', 'before'].map((name) => vectors.get(`losses/${name}`));
  const hasLosses =
    sum instanceof Float64Array && last instanceof Float64Array && before instanceof Float64Array;
  return {
    step,
    parameters: floats('parameters'),
    optimiser: group('optimiser/'),
    statistics: group('statistics/'),
    ...(hasLosses && { lossHistory: { sum, last, before } }),
    ...(best && {
      best: { ...best, parameters: floats('best/parameters'), statistics: group('best/statistics/') },
    }),
  };
}

const padded = (length: number): number => Math.ceil(length / 8) * 8;

const sorted = <T>(record: Readonly<Record<string, T>>): [string, T][] =>
  Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
