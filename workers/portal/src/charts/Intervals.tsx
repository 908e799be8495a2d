import { scaleLinear } from 'd3-scale';
import { useId } from 'react';
import { extent } from './extent.ts';
import { Figure } from './Figure.tsx';
import type { IntervalRow } from './rows.ts';
import { useWidth } from './useWidth.ts';
import styles from './charts.module.css';

const left = 8;
const rowHeight = 52;

/** One line a comparison: zero in the middle, the interval, the margin that must not be crossed. */
export function Intervals({
  title,
  rows,
  format,
}: {
  readonly title: string;
  readonly rows: readonly IntervalRow[];
  readonly format: (value: number) => string;
}) {
  const id = useId();
  const [ref, width] = useWidth<HTMLDivElement>();
  const known = rows.flatMap(({ value, low, high, margin }) => [value, low, high, -margin, 0]);
  const x = scaleLinear()
    .domain(extent(known, 0.12))
    .range([left, width - left]);
  const [low, high] = x.domain() as [number, number];
  const height = rows.length * rowHeight + 26;
  const told = (value: number | null): string => (value === null ? 'not known' : format(value));
  return (
    <Figure
      caption={title}
      keys={[
        { label: 'difference and always-valid interval', colour: 'var(--accent)', mark: 'line' },
        { label: 'margin: worse than this counts as inferior', colour: 'var(--bad)', mark: 'dashed' },
      ]}
      table={{
        head: ['Comparison', 'Difference', 'From', 'To', 'Margin'],
        rows: rows.map((row) => [
          row.label,
          told(row.value),
          told(row.low),
          told(row.high),
          format(-row.margin),
        ]),
      }}
    >
      <div ref={ref} className={styles.forest}>
        <svg width={width} height={height} role="img" aria-labelledby={`${id}-title ${id}-text`}>
          <title id={`${id}-title`}>{title}</title>
          <desc id={`${id}-text`}>
            {rows
              .map((row) => `${row.label}: ${told(row.value)}, from ${told(row.low)} to ${told(row.high)}`)
              .join('; ')}
          </desc>
          <line className={styles.cross} x1={x(0)} x2={x(0)} y1="0" y2={rows.length * rowHeight} />
          {x.ticks(Math.max(2, Math.floor(width / 130))).map((tick) => (
            <text key={tick} className={styles.tick} x={x(tick)} y={height - 4} textAnchor="middle">
              {format(tick)}
            </text>
          ))}
          {rows.map((row, index) => {
            const y = index * rowHeight + 36;
            const colour = row.tone === 'neutral' ? 'var(--accent)' : `var(--${row.tone})`;
            return (
              <g key={row.label}>
                <text className={styles.name} x={left} y={y - 20}>
                  {row.label}
                </text>
                <line
                  x1={x(row.low ?? low)}
                  x2={x(row.high ?? high)}
                  y1={y}
                  y2={y}
                  stroke={colour}
                  strokeWidth="3"
                  strokeLinecap="round"
                  // An end that is still infinite.
                  strokeDasharray={row.low === null || row.high === null ? '1 7' : undefined}
                />
                {row.value !== null && (
                  <circle
                    cx={x(row.value)}
                    cy={y}
                    r="5"
                    fill={colour}
                    stroke="var(--surface)"
                    strokeWidth="2"
                  />
                )}
                <line
                  x1={x(-row.margin)}
                  x2={x(-row.margin)}
                  y1={y - 13}
                  y2={y + 13}
                  stroke="var(--bad)"
                  className={styles.rule}
                />
              </g>
            );
          })}
        </svg>
      </div>
    </Figure>
  );
}
