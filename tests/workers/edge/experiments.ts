import { routedExperiment, type RoutedExperiment } from '../../../shared/routing.ts';
import { digest } from './fixtures.ts';

/** A running experiment on the endpoint of `endpointOf()`: what it serves (bundle b) against another bundle, half and half. */
export const routed = (change: Partial<RoutedExperiment> = {}): RoutedExperiment =>
  routedExperiment.parse({
    experiment: 'merged-or-not',
    revision: 1,
    phase: 1,
    unit: { from: 'header', name: 'x-unit' },
    layer: null,
    coverage: 1,
    arms: [
      { name: 'separate', weight: 5000, tasks: { digit: digest('b'), fashion: digest('b') } },
      { name: 'merged', weight: 5000, tasks: { digit: digest('c'), fashion: digest('c') } },
    ],
    defaultArm: 'separate',
    shadow: null,
    ...change,
  } satisfies RoutedExperiment);
