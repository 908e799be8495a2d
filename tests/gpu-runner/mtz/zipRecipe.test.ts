import { expect, test } from 'vitest';
import { zipRecipe } from '../../../gpu-runner/mtz/zipRecipe.ts';
import { recipe } from '../../../shared/recipe.ts';

const asked = {
  wiring: 'one-way' as const,
  retraining: { stepsPerLayer: 1, finalSteps: 1, batchSize: 8, learningRate: 0.1 },
};

test('zipRecipe() is the same however the bundle is stored, but where the budget counts stored bytes', () => {
  const of = (more: object) => zipRecipe(recipe.parse({ ...asked, ...more }));
  expect(of({ storage: 'int8', maxStorageDrop: 0.1 })).toEqual(of({}));
  expect(of({ seed: 2 })).not.toEqual(of({}));
  const budget = { of: 'heap', atMostBytes: 2 ** 20 };
  expect(of({ budget, storage: 'int8' })).not.toEqual(of({ budget }));
  expect(of({ budget, maxStorageDrop: 0.1 })).toEqual(of({ budget }));
});
