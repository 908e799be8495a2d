import { expect, it } from 'vitest';
import { planVisits } from '../../../../examples/demo/ab/planVisits.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { difference } from '../../../../shared/statistics/contrast.ts';
import { nonInferiority } from '../../../../shared/statistics/nonInferiority.ts';
import { fractionOf, ratioSumsOf, type RatioSums } from '../../../../shared/statistics/ratio.ts';

const question = { task: 'fashion', accuracy: 0.85, margin: 0.03, plannedLoss: 0.01 };
const options = { units: 5000, alpha: 0.025, power: 0.9, mostImages: 16 };

it('planVisits() takes the fewest images that suffice for the hardest task', () => {
  const easy = { task: 'digit', accuracy: 0.99, margin: 0.03, plannedLoss: 0.01 };
  const plan = planVisits([easy, question], options);
  const [digit, fashion] = plan.tasks;
  expect(digit?.unitsNeeded).toBeLessThan(fashion?.unitsNeeded ?? 0);
  expect(fashion?.unitsNeeded).toBeLessThanOrEqual(5000);
  expect(() => planVisits([easy, question], { ...options, mostImages: plan.images - 1 })).toThrow(RangeError);
});

it('planVisits() keeps its promise: simulated experiments with the planned loss decide as often as it says', () => {
  const { images } = planVisits([question], options);
  const random = new Random(5);
  const arm = (accuracy: number): RatioSums =>
    ratioSumsOf(
      Array.from({ length: options.units / 2 }, (): [number, number] => {
        let right = 0;
        for (let image = 0; image < images; image += 1) right += random.uniform() < accuracy ? 1 : 0;
        return [right, images];
      }),
    );
  const runs = 200;
  let decided = 0;
  for (let run = 0; run < runs; run += 1) {
    const contrast = difference(
      fractionOf(arm(question.accuracy - question.plannedLoss)),
      fractionOf(arm(question.accuracy)),
    );
    const { verdict } = nonInferiority(contrast, question.margin, options.alpha, options.units);
    if (verdict === 'non-inferior') decided += 1;
  }
  // 3.5 standard errors of a share of 0.9 of 200 runs.
  expect(decided / runs).toBeGreaterThan(options.power - 0.075);
});

it('planVisits() refuses a margin that so few units cannot resolve', () => {
  const tight = { ...question, margin: 0.0101 };
  expect(() => planVisits([tight], options)).toThrow(
    'Cannot plan with 5000 units of at most 16 images a task: margin 0.0101 on fashion would need more',
  );
});
