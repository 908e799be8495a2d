import type { DatasetInspection, Inspection, ModelInspection } from '../../shared/inspection.ts';
import { describeTensor } from '../../shared/manifest.ts';
import { grouped, mega } from '../runner/figures.ts';
import { textTable } from '../runner/textTable.ts';
import { listed } from './figures.ts';

/** What was read in a model or data set, for people. */
export const inspectionLines = (inspection: Inspection): string[] => [
  ...(inspection.kind === 'model' ? modelLines(inspection) : datasetLines(inspection)),
  ...(inspection.problems.length > 0
    ? ['', 'Problems', ...inspection.problems.map((text) => `  ${text}`)]
    : []),
];

function modelLines({ inputs, outputs, parameters, macs, operators, groups }: ModelInspection): string[] {
  const shareable = groups.filter((group) => group.shareable);
  const facts: [string, string][] = [
    ...inputs.map((tensor): [string, string] => ['reads', `${tensor.name}: ${describeTensor(tensor)}`]),
    ...outputs.map((tensor): [string, string] => ['answers', `${tensor.name}: ${describeTensor(tensor)}`]),
    ['parameters', grouped(parameters)],
    ['multiply-adds', macs === null ? 'unknown: a shape is' : mega(macs, 'M for one sample')],
    [
      'operators',
      Object.entries(operators)
        .sort(([, a], [, b]) => b - a)
        .map(([op, count]) => `${count} ${op}`)
        .join(', '),
    ],
    [
      'can share',
      `${grouped(sum(shareable.map(({ channels }) => channels)))} of ${grouped(sum(groups.map(({ channels }) => channels)))} channels in ${shareable.length} of ${groups.length} groups`,
    ],
  ];
  const lines = facts.map(([what, is]) => `  ${what.padEnd(14)} ${is}`);
  if (groups.length === 0) return lines;
  const rows = groups.map(({ name, channels, reason }) => [
    name,
    reason ?? 'can be shared',
    String(channels),
  ]);
  return [...lines, '', ...textTable([['group', '', 'channels'], ...rows], 2)];
}

function datasetLines({ samples, sampleDims, classes, labelCounts, badFiles }: DatasetInspection): string[] {
  const [fewest, most] = [Math.min(...labelCounts), Math.max(...labelCounts)];
  return [
    `  ${'samples'.padEnd(14)} ${grouped(samples)} of [${sampleDims.join(', ')}]`,
    `  ${'classes'.padEnd(14)} ${classes}${labelCounts.length > 0 ? `, of ${grouped(fewest)} to ${grouped(most)} samples` : ''}`,
    ...(badFiles.length > 0
      ? [
          `  ${'left out'.padEnd(14)} ${listed(
            badFiles.map(({ path, reason }) => `${path}: ${reason}`),
            5,
          )}`,
        ]
      : []),
  ];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
