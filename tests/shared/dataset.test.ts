import { describe, expect, test } from 'vitest';
import {
  datasetDocument,
  declaredSampleDims,
  hasLabels,
  isJudgedByLabels,
  sourceFiles,
  type DatasetDocumentInput,
} from '../../shared/dataset.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import { pixelsTo1 } from '../../shared/preprocessing.ts';

const file = (path: string) => ({ path, sha256: 'a'.repeat(64), sizeBytes: 10 });

const npz: DatasetDocumentInput = {
  format: 'trunkline.dataset/1',
  files: [file('train.npz')],
  source: { kind: 'npz', file: 'train.npz' },
  preprocessing: null,
  labels: ['cat', 'dog'],
  split: { validation: 0.1 },
};
const images: DatasetDocumentInput = {
  ...npz,
  files: [file('pets.zip'), file('held.tar.gz')],
  source: { kind: 'images', archive: 'pets.zip', groups: { before: '_' } },
  preprocessing: pixelsTo1([3, 32, 32]),
  split: { source: { kind: 'images', archive: 'held.tar.gz' } },
};
const idx: DatasetDocumentInput = {
  ...npz,
  files: [file('x.gz'), file('y.gz'), file('tracks.gz')],
  source: { kind: 'idx', images: 'x.gz', labels: 'y.gz', groups: 'tracks.gz' },
  preprocessing: pixelsTo1([1, 28, 28]),
};

test('every kind of source makes a document, and defaults are written out', () => {
  expect(datasetDocument.parse(npz)).toEqual({
    ...npz,
    source: { kind: 'npz', file: 'train.npz', x: 'x', y: 'y' },
    split: { validation: 0.1, seed: 1 },
    allowBad: 0.01,
  });
  for (const written of [images, idx]) {
    const document = datasetDocument.parse(written);
    // Parsing again changes nothing: the digest of a version is stable.
    expect(datasetDocument.parse(JSON.parse(JSON.stringify(document)))).toEqual(document);
  }
});

test('a document tells the dims of its samples when its preprocessing does', () => {
  expect(declaredSampleDims(datasetDocument.parse(images))).toEqual([3, 32, 32]);
  expect(declaredSampleDims(datasetDocument.parse(npz))).toBeNull();
});

test('sourceFiles() names what a source reads', () => {
  expect(sourceFiles(datasetDocument.parse(idx).source)).toEqual(['x.gz', 'y.gz', 'tracks.gz']);
  expect(sourceFiles(datasetDocument.parse(npz).source)).toEqual(['train.npz']);
  expect(sourceFiles(datasetDocument.parse(images).source)).toEqual(['pets.zip']);
});

test('hasLabels() is of a source, isJudgedByLabels() of what a document holds out', () => {
  for (const written of [npz, images, idx]) {
    const document = datasetDocument.parse(written);
    expect([hasLabels(document.source), isJudgedByLabels(document)]).toEqual([true, true]);
  }
  const without = [
    { ...npz, source: { kind: 'npz', file: 'train.npz', y: null } },
    { ...images, source: { kind: 'images', archive: 'pets.zip', unlabelled: true } },
    { ...idx, source: { kind: 'idx', images: 'x.gz' }, files: [file('x.gz')] },
  ].map((written) => datasetDocument.parse(written));
  expect(without.map(({ source }) => hasLabels(source))).toEqual([false, false, false]);
  // The second holds out an archive of class folders.
  expect(without.map(isJudgedByLabels)).toEqual([false, true, false]);
});

describe('a document is refused', () => {
  const cases: [string, unknown, string][] = [
    [
      'with a source that is not listed',
      { ...npz, files: [file('b.npz')] },
      '"train.npz" is not among the files',
    ],
    [
      'with a validation source that is not listed',
      { ...images, files: [file('pets.zip')] },
      '"held.tar.gz" is not among the files',
    ],
    [
      'with a file nothing reads',
      { ...npz, files: [file('train.npz'), file('notes.txt')] },
      'nothing reads the file "notes.txt"',
    ],
    [
      'with a file twice',
      { ...npz, files: [file('train.npz'), file('train.npz')] },
      'two files have the same path',
    ],
    ['with a label twice', { ...npz, labels: ['cat', 'cat'] }, 'two labels are the same'],
    ['without labels', { ...npz, labels: [] }, 'labels'],
    ['of images without preprocessing', { ...images, preprocessing: null }, 'images need preprocessing'],
    ['that holds out more than half', { ...npz, split: { validation: 0.6 } }, 'split'],
    ['with a path that leaves the folder', { ...npz, files: [file('../train.npz')] }, 'files[0].path'],
    ['with unknown fields', { ...npz, licence: 'MIT' }, 'licence'],
  ];
  test.each(cases)('%s', (_, written, message) => {
    const { error } = datasetDocument.safeParse(written);
    expect(error ? explainIssues(error) : 'nothing').toContain(message);
  });
});
