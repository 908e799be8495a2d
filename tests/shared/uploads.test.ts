import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partCount, partSize } from '../../shared/uploads.ts';

test('parts are equal but for the last, and make up the whole', () => {
  const sizes = fc.record({ sizeBytes: fc.nat(1e9), partBytes: fc.integer({ min: 1e6, max: 1e8 }) });
  fc.assert(
    fc.property(sizes, (file) => {
      const parts = Array.from({ length: partCount(file) }, (_, i) => partSize(file, i + 1));
      expect(parts.reduce((sum, size) => sum + size, 0)).toBe(file.sizeBytes);
      expect(parts.slice(0, -1).every((size) => size === file.partBytes)).toBe(true);
      expect(parts.every((size) => size > 0 && size <= file.partBytes)).toBe(true);
    }),
  );
});

test('an empty file has no part', () => {
  expect(partCount({ sizeBytes: 0, partBytes: 8 })).toBe(0);
});
