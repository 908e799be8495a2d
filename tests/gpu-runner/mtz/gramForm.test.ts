import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  defaultGramBytes,
  denseBytes,
  factoredBytes,
  gramForm,
  maxDenseInputs,
} from '../../../gpu-runner/mtz/gramForm.ts';

const layer = { name: 'fc1', inputs: 25_089, positions: 1, tasks: 2 };

describe('gramForm', () => {
  test('the matrix is whole where that fits: all 3x3 convolutions of 512 channels, of up to eight tasks', () => {
    for (let tasks = 1; tasks <= 8; tasks += 1) {
      const size = { name: 'conv', inputs: 9 * 512 + 1, positions: 196, tasks };
      expect(gramForm(size, 2048, defaultGramBytes)).toEqual({ kind: 'dense' });
    }
  });

  test("VGG-16's first dense layer is made of its samples, of all that are asked for", () => {
    expect(gramForm(layer, 2048, defaultGramBytes)).toEqual({ kind: 'factored', samples: 2048 });
  });

  test('a layer of more inputs than a whole matrix may have is made of its samples, however much is allowed', () => {
    const size = { ...layer, inputs: maxDenseInputs };
    expect(gramForm(size, 2048, 2 ** 50)).toEqual({ kind: 'dense' });
    const wider = { ...layer, inputs: maxDenseInputs + 1 };
    expect(gramForm(wider, 2048, 2 ** 50)).toEqual({ kind: 'factored', samples: 2048 });
  });

  test('as many samples are taken as fit, and one more would not', () => {
    const sizes = fc.record({
      name: fc.constant('fc'),
      inputs: fc.integer({ min: 2, max: 1e5 }),
      positions: fc.integer({ min: 1, max: 50 }),
      tasks: fc.integer({ min: 1, max: 8 }),
    });
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1e7, max: 1e9 }),
        (size, asked, cap) => {
          if (factoredBytes(size, size.positions) > cap) return;
          const form = gramForm(size, asked, cap);
          if (form.kind === 'dense') {
            expect(denseBytes(size)).toBeLessThanOrEqual(cap);
            return;
          }
          expect(form.samples).toBeGreaterThan(0);
          expect(factoredBytes(size, form.samples * size.positions)).toBeLessThanOrEqual(cap);
          if (form.samples < asked)
            expect(factoredBytes(size, (form.samples + 1) * size.positions)).toBeGreaterThan(cap);
        },
      ),
      { seed: 1 },
    );
  });

  test('what does not fit at all is refused with the numbers', () => {
    const size = { name: 'conv1', inputs: 20_001, positions: 50_176, tasks: 2 };
    expect(() => gramForm(size, 64, 2 ** 30)).toThrow(
      'Cannot measure conv1: the Gram matrices of its 20001 inputs would take 24.6 GiB, one sample of 50176 positions 214 GiB; 1 GiB are allowed: allow more memory for Gram matrices',
    );
  });
});
