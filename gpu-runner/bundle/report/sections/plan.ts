import type { ChannelBlock, Comparison, Report } from '../../../../shared/report.ts';
import * as format from '../format.ts';
import { html, type Markup } from '../markup.ts';
import { networkDrawing } from '../networkDrawing.ts';
import { sharingDrawing } from '../sharingDrawing.ts';
import { figure, folded, table } from '../table.ts';
import { section } from './section.ts';

const { grouped } = format;

export function planSection(report: Report): Markup | undefined {
  const { plan, tasks, wiring } = report;
  if (plan.length === 0) return undefined;
  const names = tasks.map(({ task }) => task);
  const isShared = names.length > 1;
  const change = (one: Comparison | undefined, show: (value: number) => string): string =>
    one ? `${show(one.separate)} \u2192 ${show(one.zipped)}` : '';
  const columns = {
    cost: plan.some(({ cost }) => cost !== undefined),
    bytes: plan.some(({ bytes }) => bytes),
    macs: plan.some(({ macs }) => macs),
  };
  const groups = table(
    'Every group of channels',
    [
      'Group',
      ...names,
      ...(isShared ? ['Shared'] : []),
      ...(columns.cost ? ['Second-order loss'] : []),
      ...(columns.bytes ? ['Bytes'] : []),
      ...(columns.macs ? ['Multiply-adds'] : []),
    ],
    plan.map(({ name, layers, widths, blocks, cost, bytes, macs }) => [
      layers.length > 1 ? html`<span title="${layers.join(', ')}">${name}</span>` : name,
      ...names.map((task) => (widths[task] === undefined ? '' : grouped(widths[task]))),
      ...(isShared ? [sharedChannels(blocks, names.length)] : []),
      ...(columns.cost ? [cost === undefined ? '' : format.loss(cost)] : []),
      ...(columns.bytes ? [change(bytes, format.bytes)] : []),
      ...(columns.macs ? [change(macs, format.quantity)] : []),
    ]),
  );
  return section('network', 'The network', [
    html`<p class="soft">
      Widths are true to the number of channels. ${wiring !== undefined && `Wiring: ${wiring}.`}
      ${isShared && 'Shared channels run once for all of their tasks where they read nothing but shared ones.'}
    </p>`,
    html`<div class="pair">
      ${figure('From the input to the answers', networkDrawing(report))}
      ${isShared && figure('Channels of the source networks, by what became of them', sharingDrawing(report))}
    </div>`,
    plan.length > 12 ? folded(`The ${plan.length} groups as a table`, groups) : groups,
  ]);
}

const sharedChannels = (blocks: readonly ChannelBlock[], tasks: number): string =>
  blocks
    .filter((block) => block.tasks.length > 1)
    .map((block) =>
      block.tasks.length === tasks
        ? grouped(block.channels)
        : `${grouped(block.channels)} (${block.tasks.join('+')})`,
    )
    .join(', ') || '0';
