import { describe, expect, it } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from '../../../gpu-runner/engine/checkpointFile.ts';
import { cut, joined } from '../../../gpu-runner/engine/pieces.ts';
import type { TrainState } from '../../../gpu-runner/engine/trainState.ts';

const run = { steps: '10', seed: '1' };
const state: TrainState = {
  step: 4,
  parameters: Float32Array.of(1.5, NaN, -0, 1e-45, Infinity),
  optimiser: { velocity: Float32Array.of(1, 2, 3, 4, 5) },
  statistics: { mean: Float32Array.of(7), 'variance/é': Float32Array.of(8, 9) },
  lossHistory: { sum: Float64Array.of(0.1), last: Float64Array.of(1 / 3), before: Float64Array.of(2) },
  best: {
    ...{ score: 0.1 + 0.2, step: 2, waits: 1 },
    parameters: Float32Array.of(6, 5, 4, 3, 2),
    statistics: { mean: Float32Array.of(3), 'variance/é': Float32Array.of(1, 2) },
  },
};
const plain: TrainState = { step: 0, parameters: Float32Array.of(1), optimiser: {}, statistics: {} };

describe('encodeCheckpoint()', () => {
  it('comes back with every bit', async () => {
    for (const one of [state, plain]) {
      const pieces = await encodeCheckpoint(one, run);
      const back = await decodeCheckpoint(pieces, run);
      expect(back).toEqual(one);
      const raw = ({ parameters: { buffer, byteOffset, byteLength } }: TrainState): Uint8Array =>
        new Uint8Array(buffer, byteOffset, byteLength);
      expect(raw(back)).toEqual(raw(one));
    }
  });

  it('gives the same bytes for the same state, in whatever order it was put together', async () => {
    const { step, parameters, optimiser, lossHistory, best } = state;
    const statistics = {
      'variance/é': Float32Array.of(8, 9),
      mean: Float32Array.of(7),
    };
    const turned = { statistics, best, lossHistory, optimiser, parameters, step } as TrainState;
    expect(await encodeCheckpoint(turned, { seed: '1', steps: '10' })).toEqual(
      await encodeCheckpoint(state, run),
    );
    expect(await encodeCheckpoint({ ...state, step: 5 }, run)).not.toEqual(
      await encodeCheckpoint(state, run),
    );
  });

  it('gives the vectors themselves, not copies', async () => {
    const pieces = await encodeCheckpoint(state, run);
    expect(pieces.filter(({ buffer }) => buffer === state.parameters.buffer)).toHaveLength(1);
  });

  it('reads the same bytes wherever they were cut', async () => {
    const bytes = joined(await encodeCheckpoint(state, run));
    for (const most of [1, 7, 64, bytes.length])
      expect(await decodeCheckpoint(cut([bytes], most), run)).toEqual(state);
  });
});

describe('decodeCheckpoint() refuses', () => {
  it('a file cut off anywhere', async () => {
    const bytes = joined(await encodeCheckpoint(plain, run));
    for (let length = 8; length < bytes.length; length += 1) {
      await expect(decodeCheckpoint([bytes.slice(0, length)], run)).rejects.toThrow(
        /Cannot read the checkpoint: it.*cut off/,
      );
    }
  });

  it('a file with any bit turned', async () => {
    const bytes = joined(await encodeCheckpoint(plain, run));
    for (let index = 0; index < bytes.length; index += 1) {
      const damaged = bytes.slice();
      damaged[index] = (damaged[index] ?? 0) ^ 4;
      await expect(decodeCheckpoint([damaged], run)).rejects.toThrow('Cannot read the checkpoint: ');
    }
  });

  it('files of something else and of another version', async () => {
    await expect(decodeCheckpoint([new Uint8Array(500)], run)).rejects.toThrow(
      'its 500 bytes do not begin as one',
    );
    await expect(decodeCheckpoint([], run)).rejects.toThrow('its 0 bytes do not begin as one');
    const bytes = joined(await encodeCheckpoint(plain, run));
    bytes[8] = 2;
    await expect(decodeCheckpoint([bytes], run)).rejects.toThrow('it is of version 2, this program writes 1');
  });

  it('a checkpoint of another run, and says what differs', async () => {
    const bytes = joined(await encodeCheckpoint(plain, run));
    await expect(decodeCheckpoint([bytes], { steps: '20', seed: '1' })).rejects.toThrow(
      'Cannot resume training: the checkpoint belongs to another run (steps was 10, is 20)',
    );
  });
});
