import { scaleLinear, scaleLog } from 'd3-scale';
import { html, type Markup } from './markup.ts';
import { segment, text } from './svg.ts';

/** Places in a drawing of the numbers on one axis. */
export interface Axis {
  (value: number): number;
  readonly ticks: readonly number[];
}

/**
 * From the first place to the second.
 *
 * @param isExact ends where the domain does; else it is rounded outwards
 */
export function linearAxis(
  domain: readonly [number, number],
  range: readonly [number, number],
  { ticks = 5, isExact = false }: { ticks?: number; isExact?: boolean } = {},
): Axis {
  const [low, high] = domain;
  // A line that stays level still needs a scale.
  const ends = low === high ? [low - Math.abs(low || 1) * 0.1, high + Math.abs(high || 1) * 0.1] : domain;
  const scale = scaleLinear().domain(ends).range(range);
  if (!isExact) scale.nice(ticks);
  return Object.assign((value: number) => scale(value), { ticks: scale.ticks(ticks) });
}

/** For numbers above 0 only. */
export function logAxis(domain: readonly [number, number], range: readonly [number, number]): Axis {
  const scale = scaleLog().domain(domain).range(range).nice();
  // Powers of ten, or with 2 and 5 between them where there are few.
  const all = scale.ticks(10);
  const decades = all.filter((value) => Number.isInteger(Math.log10(value)) || isPower(value));
  const ticks = decades.length >= 3 ? decades : all.filter((value) => /^[125]/.test(value.toExponential()));
  return Object.assign((value: number) => scale(value), { ticks });
}

const isPower = (value: number): boolean => value.toExponential().startsWith('1e');

export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Grid lines with their numbers below and to the left, and what the axes mean. */
export function grid(
  frame: Frame,
  x: { axis: Axis; show: (value: number) => string; label: string },
  y: { axis: Axis; show: (value: number) => string; label: string },
): Markup {
  const { left, right, top, bottom } = frame;
  return html`<g>
    ${y.axis.ticks.map((value) => [
      segment(left, y.axis(value), right, y.axis(value), 'grid'),
      text(left - 5, y.axis(value) + 3.5, y.show(value), { anchor: 'end', style: 'tick' }),
    ])}
    ${x.axis.ticks.map((value) => [
      segment(x.axis(value), bottom, x.axis(value), bottom + 4, 'axis'),
      text(x.axis(value), bottom + 15, x.show(value), { anchor: 'middle', style: 'tick' }),
    ])}
    ${segment(left, bottom, right, bottom, 'axis')}
    ${text(right, bottom + 29, x.label, { anchor: 'end', style: 'small' })}
    ${text(0, top - 9, y.label, { style: 'small' })}
  </g>`;
}
