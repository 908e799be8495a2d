import { afterEach, describe, expect, it } from 'vitest';
import { planWithin } from '../../../../gpu-runner/mtz/budget.ts';
import type { JobContext } from '../../../../gpu-runner/runner/work/job.ts';
import { planJob } from '../../../../gpu-runner/runner/work/planJob.ts';
import { planResult, type PlanResult } from '../../../../shared/jobs.ts';
import { recipe } from '../../../../shared/recipe.ts';
import { claimOf } from '../jobs.ts';
import { testContext, type TestContext } from './context.ts';
import { tinyMerge, tinyNet, tinyRecipe } from './tinyTask.ts';
import { countParameters } from '../../../../gpu-runner/mtz/count.ts';

const contexts: TestContext[] = [];
afterEach(() => Promise.all(contexts.splice(0).map((one) => one.remove())));

async function planned(change: object = {}, given: Partial<JobContext> = {}): Promise<PlanResult> {
  const context = await testContext(({ add }) => {
    const claim = claimOf({ ...tinyMerge(add), kind: 'plan' });
    if (claim.job.kind !== 'plan') throw new Error('It is no plan');
    const asked = recipe.parse({ ...tinyRecipe, ...change });
    return { ...claim, job: { ...claim.job, request: { ...claim.job.request, recipe: asked } } };
  }, given);
  contexts.push(context);
  const result = await planJob(context);
  if (!('plan' in result)) throw new Error('There is no plan');
  return planResult.parse(result.plan);
}

describe('planJob()', () => {
  it('answers the whole curve, from all shared to nothing, with what the networks store apart', async () => {
    const { groups, separate, curve, of } = await planned();
    expect(of).toBe('parameters');
    const [first, last] = [curve[0], curve.at(-1)];
    // Every hidden channel shared; the answers are each task's own.
    expect(first?.shared).toEqual(
      groups.map(({ reason, widths }) => (reason === null ? Math.min(...Object.values(widths)) : 0)),
    );
    expect(last).toMatchObject({ ...separate, loss: 0 });
    expect(last?.shared.every((count) => count === 0)).toBe(true);
    expect(separate.parameters).toBe(countParameters(tinyNet(1)) + countParameters(tinyNet(2)));
    for (const [at, point] of curve.entries()) {
      // Each point costs less and is larger than the one before it: any of them may be wanted.
      if (at > 0) expect(point.loss).toBeLessThan(curve[at - 1]?.loss ?? 0);
      if (at > 0) expect(point.parameters).toBeGreaterThan(curve[at - 1]?.parameters ?? 0);
      expect(point.parameters).toBeLessThanOrEqual(separate.parameters);
    }
  });

  it('has points that a budget of their share of the separate networks picks', async () => {
    const { curve, separate } = await planned();
    const point = curve[Math.floor(curve.length / 2)];
    if (!point) throw new Error('The curve is empty');
    const path = curve.map((one) => ({ ...one, plan: new Map<number, number>() }));
    expect(point.parameters).toBeLessThan(separate.parameters);
    const within = planWithin(path, { saving: 'parameters', atMost: point.parameters });
    expect(within).toMatchObject({ loss: point.loss });
  });

  it('saves multiply-adds first where the recipe asks for that', async () => {
    const { of, curve } = await planned({ budget: { of: 'macs', atMost: 1 } });
    expect(of).toBe('macs');
    expect(curve.length).toBeGreaterThan(2);
  });

  it('refuses data of one task that take more memory than the runner gives them, naming the setting', async () => {
    const failing = planned({}, { dataBytes: 10_000 });
    await expect(failing).rejects.toThrow(
      /takes .* of memory, but .* of 9\.77 KiB are left: give the runner more by TRUNKLINE_RUNNER_DATA_MEMORY/,
    );
    await expect(failing).rejects.toHaveProperty('retryable', false);
    // The two tasks' data together take more: each has that much of its own.
    await expect(planned({}, { dataBytes: 20_000 })).resolves.toHaveProperty('of', 'parameters');
  });

  it('refuses what cannot be shared, for good', async () => {
    await expect(planned({ share: { nothing: { share: 1 } } })).rejects.toMatchObject({
      message: expect.stringMatching(/nothing/) as string,
      retryable: false,
    });
  });
});
