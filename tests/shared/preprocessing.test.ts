import { describe, expect, test } from 'vitest';
import { explainIssues } from '../../shared/explain-issues.ts';
import { describePreprocessing, pixelsTo1, preprocessing } from '../../shared/preprocessing.ts';

const imagenet = {
  layout: [3, 224, 224],
  channels: 'rgb',
  resize: { width: 256, height: 256, mode: 'bilinear', fit: 'cover' },
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

test('pixelsTo1() is valid preprocessing and nothing but a factor', () => {
  for (const layout of [
    [1, 28, 28],
    [3, 32, 48],
  ] as const)
    expect(preprocessing.parse(pixelsTo1([...layout]))).toEqual(pixelsTo1([...layout]));
});

test('preprocessing survives JSON: it is stored in manifests', () => {
  const parsed = preprocessing.parse(imagenet);
  expect(preprocessing.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
});

test('describePreprocessing() says every step in its order', () => {
  expect(describePreprocessing(pixelsTo1([1, 28, 28]))).toBe(
    'grey images, pixels / 255, float32 [N, 1, 28, 28]',
  );
  expect(describePreprocessing(preprocessing.parse(imagenet))).toBe(
    'RGB images resized to 256 x 256 (bilinear, keeping proportions), middle 224 x 224, pixels / 255, ' +
      '- [0.485, 0.456, 0.406], / [0.229, 0.224, 0.225], float32 [N, 3, 224, 224]',
  );
  expect(describePreprocessing({ ...pixelsTo1([1, 8, 8]), scale: 0.3 })).toContain('pixels * 0.3');
  expect(describePreprocessing({ ...pixelsTo1([1, 8, 8]), scale: 1 })).toContain(', pixels, float32');
});

describe('preprocessing refuses', () => {
  const cases: [string, object, string][] = [
    ['channels beside the layout', { channels: 'grey' }, 'channels "grey" do not fit layout [3,224,224]'],
    ['too few means', { mean: [0.5] }, 'mean has 1 values for 3 channels'],
    ['too many deviations', { std: [1, 1, 1, 1] }, 'std has 4 values for 3 channels'],
    ['a deviation of 0', { std: [1, 0, 1] }, 'std[1]'],
    ['a factor of 0', { scale: 0 }, 'scale: must not be 0'],
    ['two channels', { layout: [2, 224, 224] }, 'layout[0]'],
    [
      'resizing below the layout',
      { resize: { width: 256, height: 200, mode: 'nearest' } },
      'images resized to 256 x 200 are smaller than 224 x 224',
    ],
    ['unknown fields', { gamma: 2.2 }, 'gamma'],
  ];
  test.each(cases)('%s', (_, change, message) => {
    const { error } = preprocessing.safeParse({ ...imagenet, ...change });
    expect(error ? explainIssues(error) : 'nothing').toContain(message);
  });
});
