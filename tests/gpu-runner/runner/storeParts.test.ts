import { describe, expect, it } from 'vitest';
import { noLabel } from '../../../gpu-runner/engine/dataset.ts';
import { judge } from '../../../gpu-runner/runner/judge.ts';
import { storeParts } from '../../../gpu-runner/runner/storeParts.ts';
import { StorageError } from '../../../gpu-runner/runner/storageError.ts';
import { closeCall, rightly } from './closeCall.ts';

const graph = closeCall(1);
const serving = { trunk: null, heads: [{ task: 'left', graph }] };
const data = async (held: boolean) => {
  const all = await rightly(graph, 400, 2);
  return [{ task: 'left', train: all, validation: held ? all : null }];
};
const cpu = { provider: 'cpu' } as const;

describe('storeParts()', () => {
  it('leaves float32 as it is', async () => {
    const recipe = { storage: 'float32', maxStorageDrop: 0, seed: 1 } as const;
    expect(await storeParts(serving, await data(true), recipe, cpu)).toBeUndefined();
  });

  it.each(['float16', 'int8'] as const)(
    'judges what it stored as %s, and says what that cost',
    async (storage) => {
      const samples = await data(true);
      const stored = await storeParts(serving, samples, { storage, maxStorageDrop: 1, seed: 1 }, cpu);
      if (!stored) throw new Error('It is stored as it was');
      const { accuracy, error } = stored.report;
      expect(accuracy.left).toMatchObject({ before: 1, samples: 400 });
      expect(accuracy.left?.after).toBeLessThan(0.99);
      expect(error.left?.relative).toBeGreaterThan(0);
      expect(error.left?.agreement).toBeLessThan(1);
      const [head] = stored.parts.heads;
      if (!head) throw new Error('There is no head');
      expect(stored.judged.get('left')).toEqual(await judge(head.graph, samples[0]?.train ?? never(), cpu));
      expect(stored.judged.get('left')?.accuracy).toBe(accuracy.left?.after);
    },
  );

  it.each([
    [
      'float16',
      /^Cannot store as float16: "left" drops from 100\.00 % to [\d.]+ % accuracy, its floor is 99\.50 %$/,
    ],
    [
      'int8',
      /^Cannot quantise: "left" drops from 100\.00 % to [\d.]+ % accuracy, its floor is 99\.50 %, with \d of 2 layers left float32/,
    ],
  ] as const)('holds the floors as %s too, however much storing may cost', async (storage, message) => {
    const uneven = closeCall(1, { uneven: true });
    const all = await rightly(uneven, 400, 2, { uneven: true });
    const parts = { trunk: null, heads: [{ task: 'left', graph: uneven }] };
    const storing = storeParts(
      parts,
      [{ task: 'left', train: all, validation: all }],
      { storage, maxStorageDrop: 1, seed: 1 },
      { ...cpu, floors: { left: 0.995 } },
    );
    await expect(storing).rejects.toThrow(message);
    await expect(storing).rejects.toBeInstanceOf(StorageError);
  });

  it('asks no more of what was below its floor before than to be no worse', async () => {
    const [task] = await data(true);
    if (!task?.validation) throw new Error('There is no data');
    const wrong = { ...task.validation, labels: task.validation.labels.map((label) => (label + 1) % 3) };
    const recipe = { storage: 'float16', maxStorageDrop: 1, seed: 1 } as const;
    const stored = await storeParts(serving, [{ ...task, validation: wrong }], recipe, {
      ...cpu,
      floors: { left: 0.5 },
    });
    expect(stored?.report.accuracy.left?.before).toBe(0);
  });

  it('judges nothing without held-out samples, or without labels', async () => {
    const recipe = { storage: 'float16', maxStorageDrop: 0, seed: 1 } as const;
    const stored = await storeParts(serving, await data(false), recipe, cpu);
    expect(stored?.report.accuracy).toEqual({});
    expect(stored?.judged.size).toBe(0);
    const [task] = await data(true);
    if (!task) throw new Error('There is no data');
    const blind = { ...task.train, labels: task.train.labels.map(() => noLabel) };
    const unlabelled = [{ ...task, train: blind, validation: blind }];
    expect((await storeParts(serving, unlabelled, recipe, cpu))?.judged.size).toBe(0);
  });
});

function never(): never {
  throw new Error('There is no data');
}
