import type { ChannelBlock } from '../../../../shared/report.ts';

/** A block of channels and where it is drawn. */
export interface PlacedBlock extends ChannelBlock {
  readonly x: number;
  readonly width: number;
}

export interface Strip {
  readonly left: number;
  readonly right: number;
  /** Between two blocks. */
  readonly gap: number;
  /** Pixels a channel. */
  readonly scale: number;
}

/** A block of several tasks. */
export const isShared = ({ tasks }: Pick<ChannelBlock, 'tasks'>): boolean => tasks.length > 1;

/** Pixels a channel, so that the widest row of blocks just fits. */
export function scaleOf(
  rows: readonly (readonly ChannelBlock[])[],
  { left, right, gap }: Omit<Strip, 'scale'>,
): number {
  const widest = Math.max(...rows.map((blocks) => blocks.reduce((sum, one) => sum + one.channels, 0)), 1);
  const blocks = Math.max(...rows.map((row) => row.length), 1);
  return Math.max(right - left - gap * (blocks - 1), 1) / widest;
}

/** From the left: own blocks of the first tasks, what is shared, own blocks of the others; the row stands in the middle. */
export function placeBlocks(
  blocks: readonly ChannelBlock[],
  tasks: readonly string[],
  { left, right, gap, scale }: Strip,
): PlacedBlock[] {
  const rank = (one: ChannelBlock): number =>
    one.tasks.reduce((sum, task) => sum + tasks.indexOf(task), 0) / one.tasks.length;
  const shown = blocks.filter(({ channels }) => channels > 0).toSorted((a, b) => rank(a) - rank(b));
  const widths = shown.map(({ channels }) => Math.max(channels * scale, 2));
  const whole = widths.reduce((sum, one) => sum + one, 0) + gap * (shown.length - 1);
  let x = (left + right - whole) / 2;
  return shown.map((one, index) => {
    const width = widths[index] ?? 0;
    const placed = { ...one, x, width };
    x += width + gap;
    return placed;
  });
}

/** Whether channels of `below` read those of `above`: all whose tasks use them; crosswise, any that one of them uses. */
export const feeds = (
  above: Pick<ChannelBlock, 'tasks'>,
  below: Pick<ChannelBlock, 'tasks'>,
  wiring: string | undefined,
): boolean =>
  wiring === 'crossed'
    ? below.tasks.some((task) => above.tasks.includes(task))
    : below.tasks.every((task) => above.tasks.includes(task));
