import { describe, expect, it } from 'vitest';
import { datasetDocument, hasLabels, isJudgedByLabels } from '../../shared/dataset.ts';
import { name as itemNameSchema } from '../../shared/manifest.ts';
import {
  datasetDraft,
  describeDraft,
  itemName,
  modelDrafts,
  pathProblem,
  readClasses,
  readLabels,
  withoutLabels,
} from '../../workers/portal/src/uploads/drafts.ts';
import {
  freshFile,
  isActive,
  progressOf,
  restored,
  uploadStates,
  type UploadItem,
} from '../../workers/portal/src/uploads/item.ts';
import { emptyForm, readForm } from '../../workers/portal/src/pages/datasets/preprocessingForm.ts';

describe('what dropped files are', () => {
  it.each(['LeNet v2.onnx', '_x.onnx', 'Ünïcode.onnx', `${'a'.repeat(90)}.onnx`, '...onnx', 'images.tar.gz'])(
    'itemName() of %s is a name of the registry',
    (file) => expect(itemNameSchema.safeParse(itemName(file)).success).toBe(true),
  );

  it('weights go with the graph they are named after, or with the only one', () => {
    expect(modelDrafts(['net.onnx', 'weights.bin'])).toEqual({
      models: [{ name: 'net', files: ['net.onnx', 'weights.bin'] }],
      stray: [],
    });
    expect(modelDrafts(['net.onnx', 'net-2.onnx', 'net-2.bin', 'net.onnx.data', 'other.bin'])).toEqual({
      models: [
        { name: 'net', files: ['net.onnx', 'net.onnx.data'] },
        { name: 'net-2', files: ['net-2.onnx', 'net-2.bin'] },
      ],
      stray: ['other.bin'],
    });
    expect(modelDrafts(['a.bin'])).toEqual({ models: [], stray: ['a.bin'] });
  });

  it.each([
    ['npz', ['digits.npz']],
    ['images', ['pets.tar.gz']],
    ['idx', ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz']],
    [
      'idx',
      [
        't10k-images-idx3-ubyte',
        't10k-labels-idx1-ubyte',
        'train-images-idx3-ubyte',
        'train-labels-idx1-ubyte',
      ],
    ],
  ])('a data set of kind %s makes a document that the service takes: %j', (kind, files) => {
    const draft = datasetDraft(files);
    if (typeof draft === 'string') throw new Error(draft);
    expect(draft.source.kind).toBe(kind);
    const form = readForm({ ...emptyForm, channels: 'grey', width: '28', height: '28' });
    const parsed = datasetDocument.safeParse({
      format: 'trunkline.dataset/1',
      files: draft.files.map((path) => ({ path, sha256: '0'.repeat(64), sizeBytes: 1 })),
      source: draft.source,
      split: draft.split,
      labels: ['a', 'b'],
      preprocessing: 'value' in form ? form.value : null,
    });
    expect(parsed.error?.issues ?? []).toEqual([]);
  });

  it.each([
    ['digits.npz', { kind: 'npz', y: null }, /^A NumPy archive with samples "x"$/],
    ['pets.zip', { kind: 'images', unlabelled: true }, /^An archive of images, in any folders$/],
  ])('%s is read without labels where a person says so', (file, source, told) => {
    const draft = datasetDraft([file]);
    if (typeof draft === 'string') throw new Error(draft);
    expect(hasLabels(draft.source)).toBe(true);
    const bare = withoutLabels(draft.source);
    expect(bare).toMatchObject(source);
    expect(hasLabels(bare)).toBe(false);
    expect(describeDraft({ ...draft, source: bare })).toMatch(told);
  });

  it.each([
    [['train-images-idx3-ubyte.gz'], [false, false], 'IDX images without labels'],
    [
      ['train-images-idx3-ubyte', 't10k-images-idx3-ubyte'],
      [false, false],
      'IDX images without labels, those to train on and those held out',
    ],
    // What is held out may have labels though the rest has none: then they say what is right.
    [
      ['train-images-idx3-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
      [false, true],
      'IDX images without labels, those to train on and those held out',
    ],
  ])('IDX images alone are data without labels: %j', (files, labelled, told) => {
    const draft = datasetDraft(files);
    if (typeof draft === 'string') throw new Error(draft);
    const document = {
      format: 'trunkline.dataset/1',
      files: files.map((path) => ({ path, sha256: '0'.repeat(64), sizeBytes: 1 })),
      ...{ source: draft.source, split: draft.split, labels: ['a'], preprocessing: null },
    };
    const { source, split } = datasetDocument.parse(document);
    expect([hasLabels(source), isJudgedByLabels({ source, split })]).toEqual(labelled);
    expect(describeDraft(draft)).toBe(told);
  });

  it('takes no photograph, no labels alone and no third file for IDX images', () => {
    for (const files of [
      ['images.png'],
      ['train-labels-idx1-ubyte'],
      ['train-images-idx3-ubyte', 'notes.txt'],
      ['t10k-images-idx3-ubyte'],
    ])
      expect(datasetDraft(files)).toMatch(/^These files are no data set/);
  });

  it('without labels, classes may be only counted', () => {
    expect(readClasses(' 3 ')).toEqual(['0', '1', '2']);
    expect(readClasses('cat, dog')).toEqual(['cat', 'dog']);
    expect(readClasses('0')).toEqual(['0']);
    expect(readClasses('')).toEqual([]);
  });

  it('says what a data set can be when the files are none', () => {
    expect(datasetDraft(['a.png', 'b.png'])).toMatch(/^These files are no data set: drop one \.npz/);
    expect(datasetDraft([])).toBe('There are no files.');
  });

  it('says which names cannot be stored, and reads labels as people write them', () => {
    expect(pathProblem('net.onnx')).toBeNull();
    expect(pathProblem('my net.onnx')).toMatch(/^"my net.onnx" cannot be stored/);
    expect(readLabels('zero, one\n two ,\n\nthree')).toEqual(['zero', 'one', 'two', 'three']);
  });

  it('a preprocessing form is refused in words, one number is for all channels', () => {
    expect(readForm(emptyForm)).toEqual({ value: null });
    const rgb = {
      ...emptyForm,
      channels: 'rgb',
      width: '32',
      height: '32',
      mean: '0.5',
      std: '0.2, 0.3, 0.4',
    } as const;
    expect(readForm(rgb)).toMatchObject({
      value: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.3, 0.4], layout: [3, 32, 32] },
    });
    expect(readForm({ ...rgb, width: '' })).toHaveProperty('wrong');
    expect(readForm({ ...rgb, mean: 'dark' })).toHaveProperty('wrong');
  });
});

describe('how far an upload is', () => {
  const item = (more: Partial<UploadItem>): UploadItem => ({
    id: 'a',
    kind: 'models',
    name: 'net',
    document: {},
    files: [freshFile('a.onnx', 100), freshFile('b.bin', 300)],
    state: 'waiting',
    error: null,
    version: null,
    ...more,
  });

  it('counts what was read while it reads, and what the service has while it sends', () => {
    const files = [
      { ...freshFile('a.onnx', 100), hashedBytes: 100, sentBytes: 100, committed: true },
      { ...freshFile('b.bin', 300), hashedBytes: 100, sentBytes: 0 },
    ];
    expect(progressOf(item({ state: 'hashing', files }))).toBe(0.5);
    expect(progressOf(item({ state: 'sending', files }))).toBe(0.25);
    expect(progressOf(item({ state: 'paused', files }))).toBe(0.25);
  });

  it('claims no number while the service checks, and is never full before it is done', () => {
    const files = [{ ...freshFile('a.onnx', 100), hashedBytes: 100, sentBytes: 100 }];
    expect(progressOf(item({ state: 'committing', files }))).toBeNull();
    expect(progressOf(item({ state: 'registering', files }))).toBeNull();
    expect(progressOf(item({ state: 'done', files }))).toBe(1);
    expect(progressOf(item({ state: 'hashing', files: [freshFile('empty.onnx', 0)] }))).toBe(1);
  });

  it('after a reload nothing is going on that is not', () => {
    for (const state of uploadStates) {
      const again = restored(item({ state, error: new Error('x') }));
      expect(isActive(again)).toBe(false);
      expect(again.error).toBeNull();
    }
  });
});
