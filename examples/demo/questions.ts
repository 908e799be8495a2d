import type { Dataset } from '../../gpu-runner/engine/dataset.ts';
import { Random } from '../../gpu-runner/engine/random.ts';
import type { Question, Reply } from './client.ts';

const seed = 1;

/** The first `images` held-out images of every task, each for every endpoint, all in random order. */
export function shuffledQuestions(
  tasks: readonly string[],
  endpoints: readonly string[],
  images: number,
): Question[] {
  const all = tasks.flatMap((task) =>
    endpoints.flatMap((endpoint) =>
      Array.from({ length: images }, (_, index): Question => ({ task, index, endpoint })),
    ),
  );
  return Array.from(new Random(seed).permutation(all.length)).flatMap((place) => all[place] ?? []);
}

/** Which class has the largest logit; the first among equals. */
export const predicted = (logits: Float32Array): number =>
  logits.reduce((best, value, index) => (value > (logits[best] ?? -Infinity) ? index : best), 0);

/** Fraction (0 to 1) of a task's images that an endpoint answered right. */
export function shareRight(
  replies: readonly Reply[],
  datasets: Readonly<Record<string, Dataset>>,
  task: string,
  endpoint: string,
): number {
  const asked = replies.filter(({ question }) => question.task === task && question.endpoint === endpoint);
  const right = asked.filter(
    ({ question, logits }) => predicted(logits) === datasets[task]?.labels[question.index],
  );
  return right.length / asked.length;
}
