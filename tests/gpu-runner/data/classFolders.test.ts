import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classFiles, folderLabels } from '../../../gpu-runner/data/classFolders.ts';

const pets = ['dog/10.png', 'cat/b.png', 'dog/9.png', 'cat/a.png', 'README.md'];

it('classFiles() orders by label, then by path, not by locale', () => {
  expect(classFiles(pets, ['dog', 'cat'])).toEqual({
    files: [
      { path: 'dog/10.png', label: 0 },
      { path: 'dog/9.png', label: 0 },
      { path: 'cat/a.png', label: 1 },
      { path: 'cat/b.png', label: 1 },
    ],
    outside: ['README.md'],
  });
});

it('classFiles() gives the same for any order of the archive', () => {
  const expected = classFiles(pets, ['cat', 'dog']);
  fc.assert(
    fc.property(fc.shuffledSubarray(pets, { minLength: pets.length }), (shuffled) => {
      expect(classFiles(shuffled, ['cat', 'dog'])).toEqual(expected);
    }),
  );
});

it('classFiles() looks through folders around all classes, unless they are a class', () => {
  const inside = ['./pets/v1/cat/a.png', 'pets/v1/dog/b.png', 'pets/README.md'];
  expect(classFiles(inside, ['cat', 'dog']).files.map(({ label }) => label)).toEqual([0, 1]);
  expect(classFiles(['cat/a.png', 'cat/b.png'], ['cat', 'dog']).files).toHaveLength(2);
  expect(classFiles(['cat/big/a.png', 'cat/big/b.png'], ['cat']).files).toHaveLength(2);
});

it('classFiles() takes the longest label that the folders spell', () => {
  const files = ['Latin/a/1.png', 'Latin/b/1.png', 'Greek/1.png'];
  const { files: sorted } = classFiles(files, ['Latin', 'Latin/a', 'Greek']);
  expect(sorted).toEqual([
    { path: 'Latin/b/1.png', label: 0 },
    { path: 'Latin/a/1.png', label: 1 },
    { path: 'Greek/1.png', label: 2 },
  ]);
});

describe('classFiles() refuses', () => {
  it('folders that no label names', () => {
    expect(() => classFiles([...pets, 'cow/1.png', 'pig/1.png'], ['cat', 'dog'])).toThrow(
      '2 of its folders are named as no label is: "cow", "pig"',
    );
  });
});

it('folderLabels() are the sorted names of the folders with files', () => {
  expect(folderLabels(pets)).toEqual(['cat', 'dog']);
  expect(folderLabels(['all/b/x/1.png', 'all/a/1.png'])).toEqual(['a', 'b/x']);
  expect(folderLabels(['only/1.png'])).toEqual(['only']);
  expect(folderLabels(['1.png'])).toEqual([]);
});
