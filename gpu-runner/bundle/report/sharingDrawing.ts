import type { Report } from '../../../shared/report.ts';
import { percent } from './format.ts';
import type { Markup } from './markup.ts';
import { drawingWidth, label, legend, rect, svg, taskStyle, text } from './svg.ts';

const left = 104;
const right = drawingWidth - 58;

/**
 * For every group a bar as long as the channels of all source networks: what is shared, what each task keeps for itself,
 * and what is no longer there.
 */
export function sharingDrawing({ plan, tasks }: Pick<Report, 'plan' | 'tasks'>): Markup {
  const names = tasks.map(({ task }) => task);
  const height = Math.max(7, Math.min(18, 900 / plan.length));
  const keys = legend(
    [
      { name: 'shared', style: 'shared' },
      ...names.map((name, index) => ({ name: `only ${name}`, style: taskStyle(index) })),
      { name: 'saved', style: 'saved' },
    ],
    0,
    12,
  );
  const savings: string[] = [];
  const marks = plan.flatMap(({ name, widths, blocks }, row) => {
    const before = Object.values(widths).reduce((sum, width) => sum + width, 0) || 1;
    const shown = [...blocks].sort((a, b) => b.tasks.length - a.tasks.length);
    const after = shown.reduce((sum, { channels }) => sum + channels, 0);
    const saved = percent(1 - after / before, 0);
    savings.push(`${name}: ${saved} fewer channels.`);
    const y = keys.height + 8 + row * (height * 1.5);
    const baseline = y + height / 2 + 4;
    let x = left;
    const parts = shown.map(({ tasks: users, channels }) => {
      const width = ((right - left) * channels) / before;
      const style =
        users.length === names.length
          ? 'shared'
          : users.length > 1
            ? 'partly-shared'
            : taskStyle(names.indexOf(users[0] ?? ''));
      const part = rect(x, y, width, height, `fill ${style}`);
      x += width;
      return part;
    });
    return [
      label(0, baseline, name, 17, { style: 'small' }),
      ...parts,
      rect(x, y, Math.max(right - x, 0), height, 'fill saved'),
      text(drawingWidth, baseline, after === before ? '0 %' : `\u2212${saved}`, {
        anchor: 'end',
        style: 'tick',
      }),
    ];
  });
  return svg(
    {
      id: 'sharing',
      title: 'Channels of each layer: shared, own and saved',
      description: savings.slice(0, 60).join(' '),
      height: keys.height + 12 + plan.length * height * 1.5,
    },
    [...keys.marks, ...marks],
  );
}
