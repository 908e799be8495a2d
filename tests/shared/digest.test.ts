import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalInConstantTime, sha256Hex, toHex } from '../../shared/digest.ts';

test('sha256Hex() gives the published digests of the empty text and of "abc"', async () => {
  expect(await sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(await sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test('sha256Hex() agrees with OpenSSL on any bytes and on text beyond ASCII', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const expected = createHash('sha256').update(bytes).digest('hex');
      expect(await sha256Hex(new Uint8Array(bytes))).toBe(expected);
    }),
  );
  expect(await sha256Hex('Grün')).toBe(createHash('sha256').update('Grün', 'utf8').digest('hex'));
});

test('toHex() writes two digits a byte', () => {
  expect(toHex(new Uint8Array([0, 9, 16, 255]))).toBe('000910ff');
});

test('equalInConstantTime() is equality', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 }), (a, b) => {
      expect(equalInConstantTime(a, b)).toBe(a === b);
      expect(equalInConstantTime(a, a)).toBe(true);
    }),
  );
  expect(equalInConstantTime('abcd', 'abce')).toBe(false);
  expect(equalInConstantTime('abcd', 'abc')).toBe(false);
});
