import { expect, test } from 'vitest';
import {
  completeRequest,
  failRequest,
  isFinal,
  jobId,
  jobStates,
  jobTransitions,
  progress,
  versionRef,
} from '../../shared/jobs.ts';
import { randomId } from '../../shared/ids.ts';
import { parseReference } from '../../shared/registry.ts';

test('every state is reached from "queued", and the final ones lead nowhere', () => {
  const reached = new Set(['queued']);
  for (const state of reached) {
    for (const next of jobTransitions[state as keyof typeof jobTransitions]) reached.add(next);
  }
  expect([...reached].toSorted()).toEqual([...jobStates].toSorted());
  expect(jobStates.filter(isFinal)).toEqual(['succeeded', 'failed', 'cancelled']);
});

test('a version reference is what the registry can read', () => {
  for (const right of ['net', 'net@3', 'net@champion', 'net@latest', 'a.b-c_d@v2.1']) {
    expect(versionRef.safeParse(right).success, right).toBe(true);
    expect(parseReference(right), right).not.toBeNull();
  }
  for (const wrong of ['', 'Net', 'net@', 'net@0', 'net@1.5', 'net@@3', 'net@3@4', '@3', 'a/b', 'net@Best']) {
    expect(versionRef.safeParse(wrong).success, wrong).toBe(false);
    expect(parseReference(wrong), wrong).toBeNull();
  }
});

test('ids are 32 hex digits and never the same', () => {
  const made = Array.from({ length: 50 }, randomId);
  for (const id of made) expect(jobId.safeParse(id).success).toBe(true);
  expect(new Set(made).size).toBe(50);
});

test('a result is of one kind, and a token is a positive whole number', () => {
  const bundle = 'a'.repeat(64);
  expect(completeRequest.safeParse({ token: 1, result: { bundle } }).success).toBe(true);
  for (const wrong of [
    { token: 0, result: { bundle } },
    { token: 1.5, result: { bundle } },
    { token: 1, result: { bundle: 'latest' } },
    { token: 1, result: { inspection: { kind: 'model' } } },
    { token: 1, result: {} },
  ]) {
    expect(completeRequest.safeParse(wrong).success).toBe(false);
  }
  expect(failRequest.parse({ token: 1, reason: ' broken ', retryable: true })).toEqual({
    ...{ token: 1, reason: 'broken', retryable: true, handBack: false },
  });
});

test('progress takes shares from 0 to 1 and refuses what it does not know', () => {
  const right = {
    stage: 'zip',
    accuracy: { digit: 0.5 },
    losses: { digit: 3 },
    at: '2026-01-01T00:00:00.000Z',
  };
  expect(progress.safeParse(right).success).toBe(true);
  for (const wrong of [
    { ...right, accuracy: { digit: 1.1 } },
    { ...right, stage: '' },
    { ...right, percent: 3 },
  ]) {
    expect(progress.safeParse(wrong).success).toBe(false);
  }
});
