import { expect, it } from 'vitest';
import { predicted, shareRight, shuffledQuestions } from '../../../examples/demo/questions.ts';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';

it('shuffledQuestions() asks every image of every task at every endpoint once, in a fixed random order', () => {
  const questions = shuffledQuestions(['digit', 'fashion'], ['separate', 'zipped'], 50);
  const keys = questions.map(({ task, endpoint, index }) => `${task} ${endpoint} ${index}`);
  expect(new Set(keys).size).toBe(200);
  expect(questions.every(({ index }) => index >= 0 && index < 50)).toBe(true);
  expect(shuffledQuestions(['digit', 'fashion'], ['separate', 'zipped'], 50)).toEqual(questions);
  expect(keys).not.toEqual([...keys].sort());
});

it('predicted() takes the largest logit, the first among equals', () => {
  expect(predicted(Float32Array.of(-3, 2, 1))).toBe(1);
  expect(predicted(Float32Array.of(5, 5))).toBe(0);
});

it('shareRight() counts one task at one endpoint only', () => {
  const digit = memoryDataset({
    sampleDims: [1],
    classes: 2,
    labels: Int32Array.of(0, 1, 1),
    inputs: new Float32Array(3),
  });
  const reply = (index: number, endpoint: string, answer: number, task = 'digit') => ({
    question: { task, index, endpoint },
    logits: Float32Array.of(answer === 0 ? 1 : 0, answer),
    latencyMs: 1,
  });
  const replies = [
    reply(0, 'zipped', 0),
    reply(1, 'zipped', 0),
    reply(2, 'zipped', 1),
    reply(0, 'separate', 1),
    reply(0, 'zipped', 1, 'fashion'),
  ];
  expect(shareRight(replies, { digit }, 'digit', 'zipped')).toBeCloseTo(2 / 3, 12);
  expect(shareRight(replies, { digit }, 'digit', 'separate')).toBe(0);
});
