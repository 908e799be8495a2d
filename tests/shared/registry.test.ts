import { expect, test } from 'vitest';
import {
  aliasName,
  modelDocument,
  parseReference,
  parseVersionChoice,
  referenceOf,
  registerRequests,
} from '../../shared/registry.ts';

const file = (path: string) => ({ path, sha256: 'a'.repeat(64), sizeBytes: 1 });
const model = { format: 'trunkline.model/1', files: [file('net.onnx'), file('net.bin')], labels: ['a', 'b'] };

test('a reference is a name, and a version or an alias', () => {
  expect(parseReference('digit')).toEqual({ name: 'digit', choice: 'latest' });
  expect(parseReference('digit@latest')).toEqual({ name: 'digit', choice: 'latest' });
  expect(parseReference('digit@12')).toEqual({ name: 'digit', choice: { version: 12 } });
  expect(parseReference('digit@champion')).toEqual({ name: 'digit', choice: { alias: 'champion' } });
  expect(parseReference(referenceOf({ name: 'digit', version: 3 }))?.choice).toEqual({ version: 3 });
  for (const wrong of ['', '@3', 'Digit', 'digit@', 'digit@0', 'digit@03', 'digit@1@2', 'digit@-x', 'a b']) {
    expect(parseReference(wrong)).toBeNull();
  }
});

test('no alias can be taken for a version or for the newest', () => {
  expect(aliasName.safeParse('champion').success).toBe(true);
  for (const wrong of ['3', '3rd', 'latest', '', 'A', 'a b'])
    expect(aliasName.safeParse(wrong).success).toBe(false);
  expect(parseVersionChoice('3')).toEqual({ version: 3 });
  expect(parseVersionChoice('9'.repeat(12))).toBeNull();
});

test('a model has exactly one graph, and no two files or labels of one name', () => {
  expect(modelDocument.parse(model)).toEqual(model);
  const complaint = (change: object) =>
    modelDocument.safeParse({ ...model, ...change }).error?.issues.map(({ message }) => message);
  expect(complaint({ files: [file('net.bin')] })).toEqual(['exactly one file must be *.onnx, 0 are']);
  expect(complaint({ files: [file('a.onnx'), file('b.onnx')] })).toEqual([
    'exactly one file must be *.onnx, 2 are',
  ]);
  expect(complaint({ files: [file('net.onnx'), file('net.bin'), file('net.bin')] })).toEqual([
    'two files have the same path',
  ]);
  expect(complaint({ labels: ['a', 'a'] })).toEqual(['two labels are the same']);
  expect(complaint({ files: [file('../net.onnx')] })).toEqual(['must be a plain file name']);
});

test('every kind has its document', () => {
  expect(registerRequests.bundles.safeParse({ bundle: 'b'.repeat(64) }).success).toBe(true);
  expect(registerRequests.bundles.safeParse(model).success).toBe(false);
  expect(registerRequests.models.safeParse(model).success).toBe(true);
  expect(registerRequests.datasets.safeParse(model).success).toBe(false);
});
