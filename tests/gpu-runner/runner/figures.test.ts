import { expect, it } from 'vitest';
import { grouped, mega, percent, points, signed } from '../../../gpu-runner/runner/figures.ts';

it('signed() shows the sign of everything but nothing', () => {
  expect([1.234, -1.234, 0, -0.001, 0.001].map(signed)).toEqual(['+1.23', '-1.23', '0.00', '0.00', '0.00']);
});

it('points() and percent() take fractions', () => {
  expect([points(-0.0123), percent(0.5)]).toEqual(['-1.23 points', '50.00 %']);
});

it('mega() and grouped() make large numbers readable', () => {
  expect([mega(1_234_567, 'MB'), grouped(1_234_567)]).toEqual(['1.23 MB', '1,234,567']);
});
