import { percent } from '../../../gpu-runner/runner/figures.ts';
import { correctedAlpha } from '../../../shared/statistics/nonInferiority.ts';
import type { Progress } from '../progress.ts';
import { compareMerged } from './compareMerged.ts';
import { alpha, margins, plannedLossShare, power, units } from './conditions.ts';
import { openShop, type ShopOptions } from './openShop.ts';
import { planVisits } from './planVisits.ts';
import { releaseDamaged } from './releaseDamaged.ts';
import type { AbReport } from './report.ts';
import { Visitors } from './visitors.ts';

/**
 * Two experiments on one endpoint, through the public doors. Merged against separate networks, decided by its rule; then
 * a damaged bundle against the merged one, which its guardrails roll back.
 *
 * @throws {Error} when either comes out wrong
 */
export async function runAb({
  progress,
  ...options
}: ShopOptions & { readonly progress: Progress }): Promise<AbReport> {
  const { nets } = options;
  const started = progress.seconds;
  const plan = planVisits(
    nets.map(({ info: { task, validation } }) => ({
      ...{ task, accuracy: validation.fraction, margin: margins[task] },
      plannedLoss: margins[task] * plannedLossShare,
    })),
    { units, alpha: correctedAlpha(alpha, nets.length), power, mostImages: 16 },
  );
  progress.step(`A/B test: ${units} visitors, each with ${plan.images} held-out images of each task`);
  for (const { task, margin, plannedLoss, unitsNeeded } of plan.tasks) {
    progress.note(
      `"${task}": margin ${percent(margin)}; if ${percent(plannedLoss)} are truly lost, ` +
        `${unitsNeeded} units decide with a power of ${percent(power)}`,
    );
  }

  const shop = await openShop(options);
  const datasets = Object.fromEntries(nets.map(({ images }) => [images.task, images.test]));
  const visitors = (prefix: string, seed: number): Visitors =>
    new Visitors({ ...shop, datasets, imagesPerTask: plan.images, prefix, seed });

  progress.step('Half the visitors get the separate networks, half the merged one');
  const merged = await compareMerged(shop, { progress, visitors: visitors('visitor', 1) });
  progress.step('A damaged bundle is released against the merged one, to a tenth of the visitors first');
  const damaged = await releaseDamaged(shop, { progress, visitors: visitors('guest', 3) });
  return { plan: { ...plan, units, alpha, power }, merged, damaged, seconds: progress.seconds - started };
}
