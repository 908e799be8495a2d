/**
 * Where a zip stands, as the bytes of a file, the same bytes for the same state:
 *
 *   8 bytes   "TRNKZIP4"
 *   4 bytes   length of the header, little-endian
 *   header    JSON: which zip it belongs to, what is done, the networks' blocks, the length of each section
 *   sections  weights of the network before and in the stage at hand, the training state
 *   32 bytes  SHA-256 of everything before
 */
import { toHex } from '../../shared/digest.ts';
import type { EarlyStopping } from '../../shared/recipe.ts';
import { CheckpointError } from '../engine/checkpointError.ts';
import { between, joined, sha256OfPieces, sizeOf, type Pieces } from '../engine/pieces.ts';
import type { Pairing } from './pairing.ts';
import type { Network } from './network.ts';
import { loadNetwork, saveNetwork, type NetworkState } from './networkState.ts';

/** What a floor did to a plan. */
export interface FloorEvent {
  readonly layer: string;
  readonly group: string;
  /** Channels that were shared when the accuracy was measured, and that are from then on. */
  readonly from: number;
  readonly to: number;
  /** Groups that could read nothing shared any more and share nothing from then on, with what they were to share. */
  readonly orphans: readonly { readonly group: string; readonly from: number }[];
  /** Fraction of validation samples answered right (0 to 1), by task, and the floor of those that fell below it. */
  readonly accuracy: Readonly<Record<string, number>>;
  readonly floors: Readonly<Record<string, number>>;
  /** Retraining steps that had been taken, those that are undone with it. */
  readonly retrainingSteps: number;
}

/** A look at the validation samples after a layer's retraining. */
export interface StageAccuracy {
  readonly layer: string;
  readonly retrainingSteps: number;
  readonly accuracy: Readonly<Record<string, number>>;
}

/** Losses of one retraining step, by task. */
export interface RetrainingLoss {
  /** What had just been shared. */
  readonly layer: string;
  readonly step: number;
  readonly losses: Readonly<Record<string, number>>;
}

/** A look at the validation samples in the midst of a layer's retraining, for early stopping. */
export interface RetrainingLook {
  readonly layer: string;
  readonly step: number;
  readonly metric: EarlyStopping['metric'];
  /** By task: the share answered right (0 to 1), or the loss. */
  readonly scores: Readonly<Record<string, number>>;
}

/** A layer's retraining that ended before its steps did. */
export interface EarlyStop {
  readonly layer: string;
  /** Retraining steps that had been taken altogether. */
  readonly retrainingSteps: number;
  /** Steps of this retraining: those taken, those it had, and those after which the network that is kept was the best. */
  readonly taken: number;
  readonly planned: number;
  readonly kept: number;
  readonly metric: EarlyStopping['metric'];
  /** The mean over tasks, of the network that is kept. */
  readonly score: number;
}

/** Everything that a zip needs to go on as if it had never stopped. */
export interface ZipState {
  /** Stages done. */
  readonly stage: number;
  /** Times the stage at hand was undone because of a floor. */
  readonly attempt: number;
  readonly plan: readonly (readonly [group: number, count: number])[];
  readonly hints: readonly (readonly [group: number, pairing: Pairing])[] | null;
  readonly costs: readonly (readonly [group: number, cost: number])[];
  /** Predicted loss of each channel that all tasks share, in the order of its block, by group. */
  readonly channelCosts: readonly (readonly [group: number, costs: readonly number[]])[];
  readonly retrainingSteps: number;
  readonly events: readonly FloorEvent[];
  readonly accuracies: readonly StageAccuracy[];
  readonly losses: readonly RetrainingLoss[];
  readonly looks: readonly RetrainingLook[];
  readonly earlyStops: readonly EarlyStop[];
  /** As it was when the stage at hand began: what it shares beyond the plan was given up since. */
  readonly network: Network;
  /** In the midst of a stage's retraining: what is retrained, what the stage cost, and the engine's own checkpoint. */
  readonly retraining: {
    readonly network: Network;
    readonly cost: number;
    readonly state: Pieces;
  } | null;
}

type Plain = Omit<ZipState, 'network' | 'retraining'>;

interface Header extends Plain {
  /** Digest of what decides the zip: sources, recipe, provider. */
  readonly identity: string;
  readonly before: NetworkState;
  readonly within: { readonly network: NetworkState; readonly cost: number } | null;
  /** Bytes of each section. */
  readonly sections: readonly number[];
}

/** Its last digit is the version: another one for what an older checkpoint does not hold, or would go on differently from. */
const magic = new TextEncoder().encode('TRNKZIP4');
const headerStart = 12;
const digestBytes = 32;

/** @returns the training state itself among the pieces, not copied */
export async function encodeZipState(state: ZipState, identity: string): Promise<Pieces> {
  const { network, retraining, ...plain } = state;
  const before = saveNetwork(network);
  const within = retraining && { ...retraining, saved: saveNetwork(retraining.network) };
  const sections = [before.bytes, ...(within ? [within.saved.bytes, within.state] : [])];
  const header: Header = {
    identity,
    ...plain,
    before: before.state,
    within: within && { network: within.saved.state, cost: within.cost },
    sections: sections.map(sizeOf),
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length, true);
  const body = [magic, length, json, ...sections.flat()];
  return [...body, await sha256OfPieces(body)];
}

/**
 * @param fresh the networks side by side, as the zip began
 * @throws {CheckpointError} when the bytes are not a zip's checkpoint, are damaged, or belong to a zip of other sources or
 * recipe, or on another provider.
 */
export async function decodeZipState(pieces: Pieces, identity: string, fresh: Network): Promise<ZipState> {
  const refuse = (reason: string): Error => new CheckpointError(`Cannot resume: the checkpoint ${reason}`);
  const size = sizeOf(pieces);
  const read = (from: number, to: number): Uint8Array<ArrayBuffer> => joined(between(pieces, from, to));
  const start = read(0, headerStart);
  const isAlike = magic.subarray(0, -1).every((byte, index) => start[index] === byte);
  if (size < headerStart + digestBytes || !isAlike) throw refuse(`is not one of a zip (${size} bytes)`);
  if (start[magic.length - 1] !== magic.at(-1)) throw refuse('was written by another version of zipping');
  const end = size - digestBytes;
  if (toHex(await sha256OfPieces(between(pieces, 0, end))) !== toHex(read(end, size)))
    throw refuse('is damaged or cut off: its SHA-256 is another one');
  const length = new DataView(start.buffer).getUint32(8, true);
  const text = new TextDecoder().decode(read(headerStart, headerStart + length));
  const { identity: own, before, within, sections, ...plain } = JSON.parse(text) as Header;
  if (own !== identity)
    throw refuse('belongs to a zip of other networks, data or recipe, or on another provider');
  let at = headerStart + length;
  const [first, second, third] = sections.map((bytes) => between(pieces, at, (at += bytes)));
  if (!first) throw refuse('holds no network');
  const network = loadNetwork(fresh, before, first);
  const retraining =
    within && second && third
      ? { network: loadNetwork(fresh, within.network, second), cost: within.cost, state: third }
      : null;
  return { ...plain, network, retraining };
}
