import { expect, test } from 'vitest';
import { createKeyRequest, maxTasks, setEndpointRequest } from '../../shared/api.ts';

const bundle = 'a'.repeat(64);
const tasksOf = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`task-${i}`, bundle]));

test('a key request takes a name, scopes and days', () => {
  expect(createKeyRequest.parse({ name: ' ci ', scopes: ['read'], expiresInDays: 30 })).toEqual({
    name: 'ci',
    scopes: ['read'],
    expiresInDays: 30,
  });
  for (const wrong of [
    { name: ' ', scopes: ['read'] },
    { name: 'x'.repeat(101), scopes: ['read'] },
    { name: 'ci', scopes: [] },
    { name: 'ci', scopes: ['root'] },
    { name: 'ci', scopes: ['read'], expiresInDays: 0 },
    { name: 'ci', scopes: ['read'], expiresInDays: 1.5 },
    { name: 'ci', scopes: ['read'], expires: 3 },
  ]) {
    expect(createKeyRequest.safeParse(wrong).success).toBe(false);
  }
});

test('an endpoint answers one task to as many as one D1 statement can look up', () => {
  for (const count of [1, maxTasks]) {
    expect(setEndpointRequest.safeParse({ tasks: tasksOf(count) }).success).toBe(true);
  }
  for (const count of [0, maxTasks + 1]) {
    expect(setEndpointRequest.safeParse({ tasks: tasksOf(count) }).success).toBe(false);
  }
});
