import { expect, it } from 'vitest';
import { MemoryBudget, showBytes } from '../../../gpu-runner/data/memoryBudget.ts';

it('MemoryBudget gives what is left and takes back', () => {
  const budget = new MemoryBudget(100);
  budget.take(60, 'a');
  expect(() => budget.take(41, 'the second array')).toThrow(
    'the second array takes 41 bytes of memory, but 40 bytes of 100 bytes are left',
  );
  budget.release(10);
  budget.take(50, 'b');
  expect(() => budget.take(1, 'c')).toThrow('0 bytes of 100 bytes are left');
});

it('MemoryBudget refuses sizes that are no number', () => {
  expect(() => new MemoryBudget(100).take(NaN, 'x')).toThrow('x takes');
});

it('showBytes() keeps numbers short', () => {
  expect([0, 1023, 1024, 5 * 2 ** 20, 3.5 * 2 ** 30, 2 ** 50].map(showBytes)).toEqual([
    '0 bytes',
    '1023 bytes',
    '1.00 KiB',
    '5.00 MiB',
    '3.50 GiB',
    '1024.00 TiB',
  ]);
});
