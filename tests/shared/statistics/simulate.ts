import type { Random } from '../../../gpu-runner/engine/random.ts';
import type { RatioSums } from '../../../shared/statistics/ratio.ts';
import type { ArmTotals } from '../../../shared/statistics/totals.ts';

/** Sums that grow unit by unit without an object a unit: simulations add tens of millions. */
export class Growing implements RatioSums {
  units = 0;
  x = 0;
  y = 0;
  xx = 0;
  xy = 0;
  yy = 0;

  add(x: number, y: number): void {
    this.units += 1;
    this.x += x;
    this.y += y;
    this.xx += x * x;
    this.xy += x * y;
    this.yy += y * y;
  }

  sums(): RatioSums {
    const { units, x, y, xx, xy, yy } = this;
    return { units, x, y, xx, xy, yy };
  }
}

/** How an arm behaves: chances of a right answer by task, and of an error, and its mean latency. */
export interface Behaviour {
  readonly tasks: Readonly<Record<string, number>>;
  readonly errors: number;
  readonly latencyMs: number;
}

/** One arm that gains units which make one to three requests each and report an outcome for every task. */
export class SimulatedArm {
  private readonly errors = new Growing();
  private readonly latencyMs = new Growing();
  private readonly tasks: Readonly<Record<string, Growing>>;
  private readonly behaviour: Behaviour;
  private readonly random: Random;
  private phaseStart = 0;

  constructor(behaviour: Behaviour, random: Random) {
    this.behaviour = behaviour;
    this.random = random;
    this.tasks = Object.fromEntries(Object.keys(behaviour.tasks).map((task) => [task, new Growing()]));
  }

  gain(units: number): void {
    const { tasks, errors, latencyMs } = this.behaviour;
    for (let unit = 0; unit < units; unit++) {
      const requests = 1 + this.random.integer(3);
      // Log-normal with sigma 0.5, whose mean is exp(sigma^2 / 2): one speed a unit, as one device or network has.
      const speed = latencyMs * Math.exp(0.5 * this.random.normal() - 0.125);
      let failed = 0;
      for (let i = 0; i < requests; i++) if (this.random.uniform() < errors) failed += 1;
      this.errors.add(failed, requests);
      this.latencyMs.add(speed * requests, requests);
      for (const [task, sums] of Object.entries(this.tasks)) {
        sums.add(this.random.uniform() < (tasks[task] ?? 0) ? 1 : 0, 1);
      }
    }
  }

  nextPhase(): void {
    this.phaseStart = this.errors.units;
  }

  totals(): ArmTotals {
    const units = this.errors.units;
    return {
      units,
      phaseUnits: units - this.phaseStart,
      errors: this.errors.sums(),
      latencyMs: this.latencyMs.sums(),
      tasks: Object.fromEntries(Object.entries(this.tasks).map(([task, growing]) => [task, growing.sums()])),
      costs: {},
    };
  }
}
