import { expect, test } from 'vitest';
import { routing } from '../../shared/routing.ts';

const bundle = 'a'.repeat(64);

test('a routing names an endpoint, a revision and a bundle a task', () => {
  const right = { endpoint: 'vision', revision: 1, tasks: { digit: { bundle } } };
  expect(routing.parse(right)).toEqual(right);
});

test('a routing with a wrong name, revision or digest is refused', () => {
  for (const wrong of [
    { endpoint: 'Vision', revision: 1, tasks: {} },
    { endpoint: 'vision', revision: 0, tasks: {} },
    { endpoint: 'vision', revision: 1, tasks: { digit: { bundle: 'latest' } } },
    { endpoint: 'vision', revision: 1, tasks: { 'a b': { bundle } } },
  ]) {
    expect(routing.safeParse(wrong).success).toBe(false);
  }
});
