import { scaleLinear } from 'd3-scale';
import { area, line } from 'd3-shape';
import { useId, useState, type PointerEvent } from 'react';
import { extent, nearest, thinned, type Point, type Range } from './extent.ts';
import { Figure, type Key } from './Figure.tsx';
import { useWidth } from './useWidth.ts';
import styles from './charts.module.css';

export interface Series {
  readonly label: string;
  readonly colour: string;
  readonly points: readonly Point[];
  readonly dashed?: boolean;
  /** Circles on the points, for few of them. */
  readonly dots?: boolean;
  /** Drawn behind the line; what it is belongs into the legend's `bandLabel`. */
  readonly band?: readonly Range[];
}

/** A line at one height: a margin, a floor. */
export interface Rule {
  readonly y: number;
  readonly label: string;
  readonly colour?: string;
}

export interface Axis {
  readonly label: string;
  readonly format: (value: number) => string;
  /** Ends that the axis reaches at least. */
  readonly include?: readonly number[];
  /** Whole numbers only. */
  readonly whole?: boolean;
  /** Pixels from a tick of the x axis to the next, at least; 110 when left out. */
  readonly tickWidth?: number;
}

const margin = { top: 12, right: 14, bottom: 40, left: 58 };
const tableRows = 120;

/**
 * Lines over a common x axis, with bands, rules and a chosen place. The pointer reads values off; with `onPick` it also
 * chooses a place by clicking and dragging (beside it there has to be a control for the keyboard).
 */
export function LineChart({
  title,
  description,
  x: xAxis,
  y: yAxis,
  series,
  rules = [],
  bandLabel,
  chosen,
  onPick,
  height = 250,
}: {
  readonly title: string;
  readonly description: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly rules?: readonly Rule[];
  readonly bandLabel?: string;
  readonly chosen?: number | undefined;
  readonly onPick?: (x: number) => void;
  readonly height?: number;
}) {
  const id = useId();
  const [ref, width] = useWidth<HTMLDivElement>();
  const [hover, setHover] = useState<number | null>(null);
  const points = series.flatMap((one) => one.points);
  const bands = series.flatMap((one) => one.band ?? []);
  const x = scaleLinear()
    .domain(
      extent([...points.map((one) => one.x), ...bands.map((one) => one.x), ...(xAxis.include ?? [])], 0),
    )
    .range([margin.left, Math.max(width - margin.right, margin.left + 40)]);
  const y = scaleLinear()
    .domain(
      extent([
        ...points.map((one) => one.y),
        ...bands.flatMap(({ low, high }) => [low, high]),
        ...rules.map((one) => one.y),
        ...(yAxis.include ?? []),
      ]),
    )
    .range([height - margin.bottom, margin.top]);
  const path = line<Point>()
    .defined((one) => one.y !== null)
    .x((one) => x(one.x))
    .y((one) => y(one.y ?? 0));
  const [bottom, top] = y.domain() as [number, number];
  const shade = area<Range>()
    .x((one) => x(one.x))
    .y0((one) => y(one.low ?? bottom))
    .y1((one) => y(one.high ?? top));
  const xTicks = x
    .ticks(Math.max(2, Math.floor(width / (xAxis.tickWidth ?? 110))))
    .filter((tick) => !xAxis.whole || tick % 1 === 0);
  const yTicks = y.ticks(5);

  const at = (event: PointerEvent<SVGSVGElement>): number => {
    const box = event.currentTarget.getBoundingClientRect();
    const [low, high] = x.domain() as [number, number];
    return Math.min(high, Math.max(low, x.invert(event.clientX - box.left)));
  };
  const read = hover === null ? [] : series.map((one) => ({ one, point: nearest(one.points, hover) }));
  const readX = read.find(({ point }) => point !== undefined)?.point?.x;
  const keys: Key[] = [
    ...series.map((one): Key => ({
      label: one.label,
      colour: one.colour,
      mark: one.dashed === true ? 'dashed' : 'line',
    })),
    ...(bandLabel !== undefined && bands.length > 0
      ? [
          {
            label: bandLabel,
            colour: series.length === 1 ? (series[0]?.colour ?? '') : 'var(--text-3)',
            mark: 'area' as const,
          },
        ]
      : []),
    ...rules.map((one): Key => ({ label: one.label, colour: one.colour ?? 'var(--text-2)', mark: 'dashed' })),
  ];
  return (
    <Figure
      caption={title}
      keys={keys}
      table={{
        head: ['Series', xAxis.label, yAxis.label, ...(bands.length > 0 ? ['From', 'To'] : [])],
        rows: series.flatMap((one) =>
          thinned(one.points, tableRows).map((point) => {
            const range = one.band && nearest(one.band, point.x);
            const told = (value: number | null | undefined): string =>
              value === null || value === undefined ? '–' : yAxis.format(value);
            return [
              one.label,
              xAxis.format(point.x),
              told(point.y),
              ...(bands.length > 0 ? [told(range?.low), told(range?.high)] : []),
            ];
          }),
        ),
      }}
    >
      <div ref={ref} className={styles.plot}>
        <svg
          width={width}
          height={height}
          role="img"
          aria-labelledby={`${id}-title ${id}-text`}
          className={onPick ? styles.pickable : undefined}
          onPointerMove={(event) => {
            setHover(at(event));
            if (onPick && event.buttons === 1) onPick(at(event));
          }}
          onPointerDown={(event) => {
            if (!onPick) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            onPick(at(event));
          }}
          onPointerLeave={() => setHover(null)}
        >
          <title id={`${id}-title`}>{title}</title>
          <desc id={`${id}-text`}>{description}</desc>
          {yTicks.map((tick) => (
            <g key={tick} transform={`translate(0 ${y(tick)})`}>
              <line className={styles.grid} x1={margin.left} x2={width - margin.right} />
              <text className={styles.tick} x={margin.left - 8} dy="0.32em" textAnchor="end">
                {yAxis.format(tick)}
              </text>
            </g>
          ))}
          {xTicks.map((tick) => (
            <text
              key={tick}
              className={styles.tick}
              x={x(tick)}
              y={height - margin.bottom + 16}
              textAnchor="middle"
            >
              {xAxis.format(tick)}
            </text>
          ))}
          <text className={styles.axis} x={width - margin.right} y={height - 6} textAnchor="end">
            {xAxis.label}
          </text>
          {series.map(
            (one) =>
              one.band && (
                <path key={one.label} d={shade(one.band) ?? ''} fill={one.colour} className={styles.band} />
              ),
          )}
          {rules.map((rule) => (
            <line
              key={rule.label}
              x1={margin.left}
              x2={width - margin.right}
              y1={y(rule.y)}
              y2={y(rule.y)}
              stroke={rule.colour ?? 'var(--text-2)'}
              className={styles.rule}
            />
          ))}
          {series.map((one) => (
            <g key={one.label}>
              <path
                d={path(one.points) ?? ''}
                stroke={one.colour}
                className={styles.line}
                strokeDasharray={one.dashed === true ? '5 4' : undefined}
              />
              {(one.dots === true || one.points.length === 1) &&
                one.points.map(
                  (point, index) =>
                    point.y !== null && (
                      <circle key={index} cx={x(point.x)} cy={y(point.y)} r="3" fill={one.colour} />
                    ),
                )}
            </g>
          ))}
          {chosen !== undefined && (
            <g transform={`translate(${x(chosen)} 0)`}>
              <line className={styles.chosen} y1={margin.top} y2={height - margin.bottom} />
              <circle
                className={styles.handle}
                cy={y(nearest(series[0]?.points ?? [], chosen)?.y ?? bottom)}
                r="6"
              />
            </g>
          )}
          {readX !== undefined && chosen === undefined && (
            <line
              className={styles.cross}
              x1={x(readX)}
              x2={x(readX)}
              y1={margin.top}
              y2={height - margin.bottom}
            />
          )}
        </svg>
        <p className={styles.yLabel}>{yAxis.label}</p>
        {readX !== undefined && (
          <div
            className={styles.readout}
            style={x(readX) > width / 2 ? { left: margin.left + 4 } : { right: margin.right + 4 }}
            aria-hidden="true"
          >
            <strong>{xAxis.format(readX)}</strong>
            {read.map(
              ({ one, point }) =>
                point !== undefined && (
                  <span key={one.label}>
                    <i style={{ background: one.colour }} />
                    {one.label} {point.y === null ? '–' : yAxis.format(point.y)}
                  </span>
                ),
            )}
          </div>
        )}
      </div>
    </Figure>
  );
}
