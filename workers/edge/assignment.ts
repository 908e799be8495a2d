import { parse as parseCookies } from 'hono/utils/cookie';
import { armNamed, assign } from '../../shared/bucketing.ts';
import { TrunklineError } from '../../shared/errors.ts';
import type { Arm, UnitSource } from '../../shared/experiment.ts';
import type { exposureReasons } from '../../shared/exposure.ts';
import type { RoutedExperiment } from '../../shared/routing.ts';

/** The arm of one request, and how it came to it. */
export interface Placement {
  readonly experiment: RoutedExperiment;
  readonly arm: Arm;
  readonly reason: (typeof exposureReasons)[number];
  /** What the request names itself by; null when it does not. Never told as it is: see `hashUnit()`. */
  readonly unit: string | null;
}

type Asking = Pick<Request, 'headers' | 'url'>;

/** The request's unit, or null when the place where the experiment looks for it is missing or empty. */
export function unitOf({ headers, url }: Asking, { from, name }: UnitSource): string | null {
  switch (from) {
    case 'header':
      return headers.get(name) || null;
    case 'query':
      return new URL(url).searchParams.get(name) || null;
    case 'cookie':
      return parseCookies(headers.get('cookie') ?? '', name)[name] || null;
  }
}

/**
 * The arm of a request, from published data alone; null for an endpoint without experiments.
 *
 * A unit takes part in one experiment at most: the first, in published order, that assigns it, whatever the request asks
 * for, so that its arm does not depend on the request. Where none does, the first experiment's default arm serves, with
 * that experiment's reason.
 */
export function placeRequest(experiments: readonly RoutedExperiment[], request: Asking): Placement | null {
  let first: Placement | null = null;
  /** Experiments of one endpoint mostly look at the same place: it is read once. */
  let read: { source: UnitSource; unit: string | null } | null = null;
  for (const experiment of experiments) {
    const source = experiment.unit;
    if (read?.source.from !== source.from || read.source.name !== source.name) {
      read = { source, unit: unitOf(request, source) };
    }
    const { unit } = read;
    const placement = { experiment, unit, ...assign(experiment, unit) };
    if (placement.reason === 'assigned') return placement;
    first ??= placement;
  }
  return first;
}

/**
 * The arm that `address`, `<experiment>/<arm>`, names, whatever its weight: the only way to one of weight 0.
 *
 * @throws {TrunklineError} `not-found`, when no such arm is running
 */
export function placeAddressed(
  experiments: readonly RoutedExperiment[],
  address: string,
  request: Asking,
): Placement {
  const running = experiments.flatMap((experiment) =>
    experiment.arms.map(({ name }) => ({ experiment, name, address: `${experiment.experiment}/${name}` })),
  );
  const found = running.find((one) => one.address === address);
  if (!found) {
    const known = running.map((one) => one.address).join(', ') || 'none';
    throw new TrunklineError('not-found', `Unknown arm "${address}": those running here are ${known}`);
  }
  const { experiment, name } = found;
  return {
    experiment,
    arm: armNamed(experiment, name),
    reason: 'addressed',
    unit: unitOf(request, experiment.unit),
  };
}
