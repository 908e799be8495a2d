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
import { sha256Hex, toHex } from '../../shared/digest.ts';
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

/** @param run what `identifyRun` says of the options that the state belongs to */
export async function encodeCheckpoint(
  state: TrainState,
  run: RunIdentity,
): Promise<Uint8Array<ArrayBuffer>> {
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
  const dataStart = headerStart + padded(json.length);
  const bytes = new Uint8Array(dataStart + dataLength + digestLength);
  new TextEncoder().encodeInto(magic, bytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, version, true);
  view.setUint32(12, padded(json.length), true);
  bytes.fill(0x20, headerStart, dataStart).set(json, headerStart);
  for (const [index, [, vector]] of vectors.entries()) {
    const raw = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
    bytes.set(raw, dataStart + (entries[index]?.offset ?? 0));
  }
  const body = bytes.subarray(0, -digestLength);
  bytes.set(new Uint8Array(await crypto.subtle.digest('SHA-256', body)), body.length);
  return bytes;
}

/**
 * @throws {Error} when the bytes are no checkpoint, are cut off or damaged, are of another version, or belong to another
 * run than `run`.
 */
export async function decodeCheckpoint(
  bytes: Uint8Array<ArrayBuffer>,
  run: RunIdentity,
): Promise<TrainState> {
  const refuse = (reason: string): Error => new Error(`Cannot read the checkpoint: ${reason}`);
  if (new TextDecoder('latin1').decode(bytes.subarray(0, magic.length)) !== magic)
    throw refuse(`its ${bytes.length} bytes do not begin as one`);
  if (bytes.length < headerStart + digestLength) throw refuse(`it is cut off after ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = view.getUint32(8, true);
  if (found !== version) throw refuse(`it is of version ${found}, this program writes ${version}`);
  const [body, digest] = [bytes.subarray(0, -digestLength), bytes.subarray(-digestLength)];
  if ((await sha256Hex(body)) !== toHex(digest))
    throw refuse(`its ${bytes.length} bytes do not match its digest: it is cut off or damaged`);

  const dataStart = headerStart + view.getUint32(12, true);
  const json = new TextDecoder().decode(bytes.subarray(headerStart, dataStart));
  // What the digest vouches for was written by `encodeCheckpoint`.
  const header = JSON.parse(json) as Header;
  const difference = differenceOf(header.run, run);
  if (difference !== undefined)
    throw new Error(`Cannot resume training: the checkpoint belongs to another run (${difference})`);
  return stateOf(
    header,
    new Map(
      header.vectors.map(({ name, dtype, dims: [length], offset }) => {
        const start = bytes.byteOffset + dataStart + offset;
        const size = length * (dtype === 'float32' ? 4 : 8);
        const raw = bytes.buffer.slice(start, start + size);
        return [name, dtype === 'float32' ? new Float32Array(raw) : new Float64Array(raw)];
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
    throw new Error(`Cannot read the checkpoint: it has no float32 vector "${name}"`);
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
