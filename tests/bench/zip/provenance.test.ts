import { expect, test } from 'vitest';
import { commandOf } from '../../../bench/zip/provenance.ts';

test('a command is told without the places of this machine', () => {
  expect(commandOf('bench:zip', ['--rows', '1', '--cache', '/a/b', '--quick', '--results=c.json'])).toBe(
    'npm run bench:zip -- --rows 1 --quick',
  );
  expect(commandOf('bench:zip', ['--results', 'c.json'])).toBe('npm run bench:zip');
});
