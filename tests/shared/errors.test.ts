import { expect, test } from 'vitest';
import { errorStatus, TrunklineError, type ErrorCode } from '../../shared/errors.ts';

test('an error has the status of its code, its sentence and its cause', () => {
  const cause = new Error('disk full');
  const error = new TrunklineError('unavailable', 'Cannot write: the storage failed.', { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: 'TrunklineError',
    code: 'unavailable',
    status: 503,
    message: 'Cannot write: the storage failed.',
    cause,
  });
});

test('every code has a status of its own that means a refusal', () => {
  const statuses = Object.keys(errorStatus).map((code) => new TrunklineError(code as ErrorCode, '').status);
  expect(new Set(statuses).size).toBe(statuses.length);
  expect(statuses.every((status) => status >= 400 && status < 600)).toBe(true);
});
