import { link, curveBumpY } from 'd3-shape';
import type { ChannelBlock, GroupReport, Report } from '../../../shared/report.ts';
import { html, px, type Markup } from './markup.ts';
import { drawingWidth, label, legend, rect, svg, taskStyle, text } from './svg.ts';
import { grouped } from './format.ts';

/** A block of channels and where it is drawn. */
interface Placed extends ChannelBlock {
  readonly x: number;
  readonly width: number;
  readonly style: string;
}

const left = 104;
const right = drawingWidth;
const gap = 4;
/** From this distance of groups on there is room for their numbers. */
const roomy = 34;

/**
 * Trunk and heads from the input down: every group of channels as wide as its channels, shared ones in the middle, each
 * task's own beside them, joined by what reads what.
 */
export function networkDrawing({ plan, tasks, wiring }: Pick<Report, 'plan' | 'tasks' | 'wiring'>): Markup {
  const names = tasks.map(({ task }) => task);
  const widest = Math.max(...plan.map(({ blocks }) => blocks.reduce((sum, one) => sum + one.channels, 0)), 1);
  const scale = (right - left - gap * (names.length + 1)) / widest;
  const spacing = Math.max(18, Math.min(64, 1000 / (plan.length + 2)));
  const thickness = Math.min(15, spacing * 0.4);
  const keys = legend(
    [
      ...(plan.some(({ blocks }) => blocks.some(isShared)) ? [{ name: 'shared', style: 'shared' }] : []),
      ...names.map((name, index) => ({
        name: names.length === 1 ? name : `only ${name}`,
        style: taskStyle(index),
      })),
    ],
    0,
    12,
  );
  const top = keys.height + 22;
  const rows: Placed[][] = plan.map(({ blocks }) => place(blocks, names, scale));
  const yOf = (row: number): number => top + 30 + row * spacing;
  const middle = (left + right) / 2;
  const input: Placed[] = [{ tasks: names, channels: 0, x: middle - 22, width: 44, style: 'input' }];
  const answers = names.map((name, index): Placed => {
    const room = (right - left) / names.length;
    const width = Math.min(room - 6, 84);
    const x = left + room * (index + 0.5) - width / 2;
    return { tasks: [name], channels: 0, x, width, style: taskStyle(index) };
  });
  const all = [input, ...rows, answers];
  const heights = [top, ...rows.map((_, row) => yOf(row)), yOf(rows.length)];
  const ribbons = all.flatMap((row, index) =>
    (all[index + 1] ?? []).flatMap((below) =>
      row
        .filter((above) => feeds(above, below, wiring))
        .map((above) => ribbon(above, (heights[index] ?? 0) + thickness, below, heights[index + 1] ?? 0)),
    ),
  );
  const end = (heights.at(-1) ?? 0) + thickness;
  return svg(
    {
      id: 'network',
      title: names.length > 1 ? 'The network: trunk and heads' : 'The network',
      description: describe(plan),
      height: end + 8,
    },
    [
      ...keys.marks,
      ...ribbons,
      rect(middle - 22, top, 44, thickness, 'fill input'),
      text(middle, top - 5, 'input', { anchor: 'middle', style: 'small' }),
      ...rows.flatMap((row, index) => {
        const y = yOf(index);
        const { name = '' } = plan[index] ?? {};
        const sum = (of: (one: Placed) => boolean): number =>
          row.filter(of).reduce((channels, one) => channels + one.channels, 0);
        const [shared, own] = [sum(isShared), sum((one) => !isShared(one))];
        const counts = [
          ...(names.length > 1 ? [`${grouped(shared)} shared`] : []),
          ...(own > 0 ? [grouped(own)] : []),
        ].join(' + ');
        const isRoomy = spacing >= roomy;
        return [
          label(0, y + thickness / 2 + (isRoomy ? -1 : 4), name, 16, { style: 'small' }),
          ...(isRoomy ? [label(0, y + thickness / 2 + 12, counts, 17, { style: 'tick' })] : []),
          ...row.map((one) => rect(one.x, y, one.width, thickness, `fill ${one.style}`)),
        ];
      }),
      ...answers.flatMap(({ x, width, style, tasks: [name = ''] }) => [
        html`<rect
          x="${px(x)}"
          y="${px(end - thickness)}"
          width="${px(width)}"
          height="16"
          rx="8"
          class="fill ${style}"
        />`,
        label(x + width / 2, end - thickness + 11.5, name, Math.floor(width / 6.4), {
          anchor: 'middle',
          style: 'on-colour',
        }),
      ]),
    ],
  );
}

const isShared = ({ tasks }: ChannelBlock): boolean => tasks.length > 1;

/** From the left: own blocks of one half of the tasks, what is shared, own blocks of the others. */
function place(blocks: readonly ChannelBlock[], names: readonly string[], scale: number): Placed[] {
  const rank = ({ tasks }: ChannelBlock): number =>
    tasks.reduce((sum, task) => sum + names.indexOf(task), 0) / tasks.length;
  const shown = blocks.filter(({ channels }) => channels > 0).sort((a, b) => rank(a) - rank(b));
  const widths = shown.map(({ channels }) => Math.max(channels * scale, 1.5));
  const whole = widths.reduce((sum, one) => sum + one, 0) + gap * (shown.length - 1);
  let x = (left + right - whole) / 2;
  return shown.map((one, index) => {
    const width = widths[index] ?? 0;
    const style = isShared(one)
      ? one.tasks.length === names.length
        ? 'shared'
        : 'partly-shared'
      : taskStyle(names.indexOf(one.tasks[0] ?? ''));
    const placed = { ...one, x, width, style };
    x += width + gap;
    return placed;
  });
}

/** Whether channels of `below` read those of `above`: all whose tasks use them, and crosswise any that one of them uses. */
const feeds = (above: Placed, below: Placed, wiring: string | undefined): boolean =>
  wiring === 'crossed'
    ? below.tasks.some((task) => above.tasks.includes(task))
    : below.tasks.every((task) => above.tasks.includes(task));

const curve = link(curveBumpY);

/** A band between two blocks. */
function ribbon(above: Placed, y0: number, below: Placed, y1: number): Markup {
  const sideOf = (x0: number, x1: number): string => curve({ source: [x0, y0], target: [x1, y1] }) ?? '';
  const back = curve({ source: [below.x + below.width, y1], target: [above.x + above.width, y0] }) ?? '';
  const path = `${sideOf(above.x, below.x)}L${back.slice(1)}Z`;
  return html`<path
    d="${path.replaceAll(/\d+\.\d+/g, (one) => px(Number(one)))}"
    class="ribbon ${above.style}"
  />`;
}

const describe = (plan: readonly GroupReport[]): string =>
  plan
    .slice(0, 40)
    .map(
      ({ name, blocks }) =>
        `${name}: ${blocks.map(({ tasks, channels }) => `${channels} channels of ${tasks.join(' and ')}`).join(', ')}.`,
    )
    .join(' ');
