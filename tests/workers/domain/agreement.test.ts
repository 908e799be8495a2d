import { expect, test } from 'vitest';
import { findDisagreement } from '../../../workers/domain/agreement.ts';
import { image } from '../fixtures.ts';

const mask = { ...image, name: 'mask' };
const digit = (...inputs: (typeof image)[]) => ({ task: 'digit', inputs });
const fashion = (...inputs: (typeof image)[]) => ({ task: 'fashion', inputs });

test('same inputs in any order agree', () => {
  expect(findDisagreement(digit(image, mask), fashion(mask, image))).toBeNull();
});

test('another shape or type is told with both', () => {
  expect(findDisagreement(digit(image), fashion({ ...image, dims: [-1, 3, 28, 28] }))).toBe(
    'input "image" is float32 [-1, 1, 28, 28] for task "digit" and float32 [-1, 3, 28, 28] for task "fashion"',
  );
  expect(findDisagreement(digit(image), fashion({ ...image, dtype: 'uint8' }))).toBe(
    'input "image" is float32 [-1, 1, 28, 28] for task "digit" and uint8 [-1, 1, 28, 28] for task "fashion"',
  );
});

test('an input that only one of them reads is told, whoever it is', () => {
  expect(findDisagreement(digit(image, mask), fashion(image))).toBe(
    'task "digit" reads input "mask", task "fashion" does not',
  );
  expect(findDisagreement(digit(image), fashion(image, mask))).toBe(
    'task "fashion" reads input "mask", task "digit" does not',
  );
});
