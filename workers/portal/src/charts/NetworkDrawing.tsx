import { curveBumpY, link } from 'd3-shape';
import { useId } from 'react';
import type { Report } from '../../../../shared/report.ts';
import { formatExact } from '../ui/format.ts';
import { sharedColour, taskColour } from './colours.ts';
import { Figure } from './Figure.tsx';
import { feeds, isShared, placeBlocks, scaleOf, type PlacedBlock } from './placeBlocks.ts';
import { useWidth } from './useWidth.ts';
import styles from './charts.module.css';

const gap = 4;
const curve = link(curveBumpY);

/** Trunk and heads from the input down: every group as wide as its channels, joined by what reads what. */
export function NetworkDrawing({ plan, tasks, wiring }: Pick<Report, 'plan' | 'tasks' | 'wiring'>) {
  const id = useId();
  const [ref, width] = useWidth<HTMLDivElement>();
  const names = tasks.map(({ task }) => task);
  const left = Math.min(120, width * 0.3);
  const strip = { left, right: width, gap };
  const scale = scaleOf(
    plan.map(({ blocks }) => blocks),
    strip,
  );
  const rows = plan.map(({ blocks }) => placeBlocks(blocks, names, { ...strip, scale }));
  const spacing = Math.max(20, Math.min(60, 900 / (plan.length + 2)));
  const thickness = Math.min(15, spacing * 0.42);
  const middle = (left + width) / 2;
  const top = 22;
  const heights = [
    top,
    ...rows.map((_, row) => top + (row + 1) * spacing),
    top + (rows.length + 1) * spacing,
  ];
  const input: PlacedBlock = { tasks: names, channels: 0, x: middle - 24, width: 48 };
  const room = (width - left) / Math.max(names.length, 1);
  const answers = names.map((name, index): PlacedBlock => {
    const wide = Math.min(room - 6, 110);
    return { tasks: [name], channels: 0, x: left + room * (index + 0.5) - wide / 2, width: wide };
  });
  const all = [[input], ...rows, answers];
  const colour = (one: Pick<PlacedBlock, 'tasks'>): string =>
    isShared(one) ? sharedColour : taskColour(names.indexOf(one.tasks[0] ?? ''));
  const ribbons = all.flatMap((row, index) =>
    (all[index + 1] ?? []).flatMap((below) =>
      row
        .filter((above) => feeds(above, below, wiring))
        .map((above) => ({
          d: ribbon(above, (heights[index] ?? 0) + thickness, below, heights[index + 1] ?? 0),
          colour: colour(below),
        })),
    ),
  );
  const end = heights.at(-1) ?? 0;
  const roomy = spacing >= 32;
  return (
    <Figure
      caption="Trunk and heads, as wide as their channels"
      keys={[
        { label: 'shared', colour: sharedColour },
        ...names.map((name, index) => ({ label: `only ${name}`, colour: taskColour(index) })),
      ]}
      table={{
        head: ['Group', 'Shared', ...names.map((name) => `Only ${name}`)],
        rows: plan.map(({ name, blocks }) => [
          name,
          formatExact(sum(blocks.filter(isShared))),
          ...names.map((task) =>
            formatExact(sum(blocks.filter((one) => !isShared(one) && one.tasks[0] === task))),
          ),
        ]),
      }}
    >
      <div ref={ref} className={styles.plot}>
        <svg
          width={width}
          height={end + 26}
          role="img"
          aria-labelledby={`${id}-title ${id}-text`}
          className={styles.drawn}
        >
          <title id={`${id}-title`}>The network: a trunk and {names.length} heads</title>
          <desc id={`${id}-text`}>
            {plan
              .slice(0, 40)
              .map(({ name, blocks }) => `${name}: ${sum(blocks.filter(isShared))} of ${sum(blocks)} shared`)
              .join('; ')}
          </desc>
          {ribbons.map(({ d, colour: fill }, index) => (
            <path key={index} d={d} fill={fill} className={styles.ribbon} />
          ))}
          <text className={styles.sub} x={middle} y={top - 6} textAnchor="middle">
            input
          </text>
          <rect
            x={input.x}
            y={top}
            width={input.width}
            height={thickness}
            rx="4"
            fill="var(--border-strong)"
          />
          {rows.flatMap((row, index) => {
            const y = heights[index + 1] ?? 0;
            const { name = '', blocks = [] } = plan[index] ?? {};
            return [
              <text
                key={`name-${name}`}
                className={styles.name}
                x="0"
                y={y + thickness / 2 + (roomy ? -1 : 4)}
              >
                {shortened(name, Math.floor(left / 7))}
              </text>,
              roomy && (
                <text key={`sub-${name}`} className={styles.sub} x="0" y={y + thickness / 2 + 12}>
                  {formatExact(sum(blocks.filter(isShared)))} of {formatExact(sum(blocks))} shared
                </text>
              ),
              ...row.map((one) => (
                <rect
                  key={`${name}-${one.tasks.join()}`}
                  x={one.x}
                  y={y}
                  width={one.width}
                  height={thickness}
                  rx="3"
                  fill={colour(one)}
                >
                  <title>
                    {name}: {formatExact(one.channels)} of {one.tasks.join(' and ')}
                  </title>
                </rect>
              )),
            ];
          })}
          {answers.map((one) => (
            <g key={one.tasks[0]}>
              <rect x={one.x} y={end} width={one.width} height="22" rx="11" fill={colour(one)} />
              <text className={styles.answer} x={one.x + one.width / 2} y={end + 15} textAnchor="middle">
                {shortened(one.tasks[0] ?? '', Math.max(2, Math.floor(one.width / 7.5)))}
              </text>
            </g>
          ))}
        </svg>
      </div>
    </Figure>
  );
}

const sum = (blocks: readonly { readonly channels: number }[]): number =>
  blocks.reduce((all, { channels }) => all + channels, 0);

const shortened = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, Math.max(1, length - 1))}…`;

/** A band between two blocks. */
function ribbon(above: PlacedBlock, y0: number, below: PlacedBlock, y1: number): string {
  const sideOf = (x0: number, x1: number): string => curve({ source: [x0, y0], target: [x1, y1] }) ?? '';
  const back = curve({ source: [below.x + below.width, y1], target: [above.x + above.width, y0] }) ?? '';
  return `${sideOf(above.x, below.x)}L${back.slice(1)}Z`;
}
