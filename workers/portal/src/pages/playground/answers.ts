import type { InferenceOutput } from '../../../../../client/inference.ts';

/** One class of an answer. */
export interface ClassAnswer {
  readonly index: number;
  readonly label: string;
  /** 0 to 1, all classes together 1. */
  readonly probability: number;
}

/** Classes by how likely they are. Numbers that are probabilities already stay so; others are logits. */
export function classesOf(output: Pick<InferenceOutput, 'data'>, labels: readonly string[]): ClassAnswer[] {
  const numbers = output.data.map(Number);
  const sum = numbers.reduce((all, one) => all + one, 0);
  const isShares = numbers.length > 1 && numbers.every((one) => one >= 0) && Math.abs(sum - 1) < 1e-3;
  return (isShares ? numbers : softmax(numbers))
    .map((probability, index) => ({ index, label: labels[index] ?? String(index), probability }))
    .toSorted((a, b) => b.probability - a.probability);
}

/** Sums to 1 whatever the size of the logits. */
export function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const powers = logits.map((one) => Math.exp(one - largest));
  const sum = powers.reduce((all, one) => all + one, 0);
  return powers.map((one) => one / sum);
}
