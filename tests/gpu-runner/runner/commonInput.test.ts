import { describe, expect, it } from 'vitest';
import { checkUnits, commonInput, type DeclaredInput } from '../../../gpu-runner/runner/commonInput.ts';
import { pixelsTo1, type Preprocessing } from '../../../shared/preprocessing.ts';

const grey = pixelsTo1([1, 8, 8]);
const rgb = pixelsTo1([3, 8, 8]);
const resized = { width: 8, height: 8, mode: 'bilinear', fit: 'stretch' } as const;
const input = (task: string, preprocessing: Preprocessing | null, how?: DeclaredInput['how']) => ({
  ...{ task, preprocessing, how },
});

/** What a network reads of the pixel value v by its own preprocessing, one a channel. */
const read = ({ scale, mean, std, layout }: Preprocessing, v: number): number[] =>
  Array.from({ length: layout[0] }, (_, c) => (v * scale - (mean[c] ?? 0)) / (std[c] ?? 1));

describe('commonInput()', () => {
  it('leaves networks alone whose inputs are made alike', () => {
    expect(commonInput([input('a', grey), input('b', grey)])).toEqual({
      preprocessing: grey,
      scales: [undefined, undefined],
      notes: [],
    });
    expect(commonInput([input('a', null), input('b', null)]).preprocessing).toBeNull();
  });

  it.each([0, 100, 255])(
    'gives a network of other scale, mean and std what it was trained on: pixel %i',
    (v) => {
      const own = { ...rgb, scale: 1 / 127, mean: [1, 0.5, 2], std: [0.2, 0.3, 4] };
      const first = { ...rgb, mean: [0.4, 0.5, 0.6], std: [0.25, 0.5, 1] };
      const { preprocessing, scales, notes } = commonInput([input('a', first), input('b', own)]);
      expect(preprocessing).toEqual(first);
      expect(scales[0]).toBeUndefined();
      const made = read(first, v).map((x, c) => (scales[1]?.scale[c] ?? 0) * x + (scales[1]?.shift[c] ?? 0));
      for (const [c, value] of read(own, v).entries()) expect(made[c]).toBeCloseTo(value, 9);
      expect(notes).toEqual([
        expect.stringMatching(
          /^Inputs of all tasks are made as those of "a" .* those of "b" were made otherwise/,
        ),
      ]);
    },
  );

  it('takes the first whose channels stay: an RGB network that reads grey is scaled channel by channel', () => {
    const own = { ...rgb, mean: [0.1, 0.2, 0.3] };
    const { preprocessing, scales } = commonInput([input('a', own, 'repeat'), input('b', grey)]);
    expect(preprocessing).toEqual(grey);
    expect(scales[0]?.shift).toEqual([-0.1, -0.2, -0.3]);
    expect(scales[1]).toBeUndefined();
  });

  it('lets all images be resized where one task needs it and the others have that size', () => {
    const { preprocessing } = commonInput([input('a', grey), input('b', { ...grey, resize: resized })]);
    expect(preprocessing).toEqual({ ...grey, resize: resized });
  });

  it('says so where nobody declares how the arrays of a task were made', () => {
    const { preprocessing, scales, notes } = commonInput([input('a', null), input('b', grey)]);
    expect([preprocessing, scales]).toEqual([grey, [undefined, undefined]]);
    expect(notes).toEqual([
      'Nobody declares how inputs of "a" are made: its arrays are taken for what "b" reads (grey images, pixels / 255, float32 [N, 1, 8, 8])',
    ]);
  });

  const cut = { ...grey, resize: { ...resized, width: 9, height: 9 } };
  it.each([
    ['another size', grey, pixelsTo1([1, 9, 9]), undefined],
    ['other channels', grey, rgb, undefined],
    ['another way to resize', { ...grey, resize: resized }, cut, undefined],
    ['a middle that only one cuts out', grey, cut, undefined],
    ['a middle that only the first cuts out', cut, grey, undefined],
    ['another size beside its channels', grey, pixelsTo1([3, 9, 9]), 'repeat'],
  ] as const)('refuses %s, naming both', (_, first, other, how) => {
    expect(() => commonInput([input('a', first), input('b', other, how)])).toThrow(
      /^Cannot give "a" and "b" one input: that of "a" is made of .*, that of "b" of .*; only another scale/,
    );
  });

  it('refuses where only networks whose channels are adapted say how their inputs are made', () => {
    expect(() => commonInput([input('a', null), input('b', rgb, 'repeat')])).toThrow(
      'Cannot give "a" and "b" one input: only "b", whose channels are adapted, declares its preprocessing',
    );
  });
});

describe('checkUnits()', () => {
  const units = (task: string, scale: number, bytes: boolean) => ({
    ...{ task, bytes, preprocessing: { ...grey, scale } },
  });

  it('refuses to compare what scales bytes with what scales numbers of no known unit', () => {
    expect(() => checkUnits([units('a', 1, false), units('b', 1 / 255, true)])).toThrow(
      'Cannot give "b" and "a" one input: the former scales bytes by',
    );
    expect(() => checkUnits([units('a', 1 / 255, false), units('b', 1 / 255, true)])).not.toThrow();
    expect(() => checkUnits([units('a', 1, true), units('b', 1 / 255, true)])).not.toThrow();
  });
});
