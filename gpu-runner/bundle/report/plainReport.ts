import { estimateHeapBytes, heldParameterBytes, parameterBytes } from '../../../shared/heap.ts';
import type { Head, Manifest, SharingRecord } from '../../../shared/manifest.ts';
import type { GroupReport, Report, ReportInput } from '../../../shared/report.ts';
import type { Graph } from '../../onnx/graph.ts';
import { bytes as shownBytes, grouped, quantity } from './format.ts';
import { networkGroups } from './networkGroups.ts';
import { checkReport } from './reportFiles.ts';

type Told = Omit<Manifest, 'format' | 'report' | 'files' | 'parity'>;

interface PlainFacts {
  /** Of trunk and heads. */
  readonly bytes: number;
  /** The one network that the bundle holds as it is: its layers are told. */
  readonly network?: Graph | undefined;
}

/**
 * What a manifest tells, as the report of a bundle that nobody reports on otherwise: a network packed by itself, say. What
 * of the separate networks is not in the manifest is left out, unless the bundle is these networks.
 */
export function plainReport(manifest: Told, { bytes, network }: PlainFacts): Report {
  const { name, createdAt, trunk, heads, recipe, storage = 'float32', sharing } = manifest;
  const parts = [...(trunk ? [trunk] : []), ...heads];
  const parameters = total(parts.map((part) => part.parameters));
  const macs = total(parts.map((part) => part.macs));
  const isPacked = wasPacked(manifest);
  const layers = network && networkGroups(network, heads[0]?.task ?? '');
  return checkReport({
    ...{ format: 'trunkline.report/1', name, createdAt },
    tasks: heads.map((head) => taskReport(manifest, head)),
    ...(recipe && { recipe, wiring: recipe.wiring }),
    plan: layers?.groups ?? groupsOf(sharing, heads),
    ...(isPacked && {
      figures: {
        ...(storage === 'float32' && { bytes: unchanged(bytes) }),
        ...{ parameters: unchanged(parameters), macs: unchanged(macs) },
        ...(storage === 'float32' && {
          heapBytes: unchanged(estimateHeapBytes(parameters * heldParameterBytes(storage))),
        }),
      },
    }),
    ...(storage !== 'float32' && { quantisation: { storage } }),
    unzipped: isPacked ? [packedAlone(heads)] : [],
    notes: [
      ...(isPacked
        ? []
        : [
            `Trunk and heads have ${grouped(parameters)} parameters in ${shownBytes(bytes)}, and take ${quantity(macs)} multiply-adds for all tasks on one sample.`,
          ]),
      ...(storage === 'float32' ? ['Weights are stored as float32, as they were trained.'] : []),
      ...(layers?.note == null ? [] : [layers.note]),
    ],
  });
}

/** Whether every head is a whole network, as it was trained. */
const wasPacked = ({ trunk, recipe, lineage }: Told): boolean =>
  trunk === null && recipe === null && lineage.retrainingSteps === 0;

const packedAlone = ({ length }: readonly Head[]): { what: string; reason: string } =>
  length === 1
    ? { what: 'The network', reason: 'it was packed by itself: the bundle has no other to share with' }
    : { what: 'All networks', reason: 'they were packed as they are, each as a head of its own' };

function taskReport(manifest: Told, head: Head): ReportInput['tasks'][number] {
  const { task, labels, accuracy, macs } = head;
  const model = manifest.lineage.models.find((one) => one.task === task);
  return {
    ...{ task, labels },
    ...(model && { source: { name: model.name, sha256: model.sha256 } }),
    ...(accuracy && { accuracy }),
    ...(wasPacked(manifest) && { macs: unchanged(macs) }),
  };
}

/** Groups that share channels, as the manifest remembers them. */
const groupsOf = (sharing: readonly SharingRecord[], heads: readonly Head[]): GroupReport[] =>
  sharing
    .filter(({ widths }) => Object.keys(widths).every((task) => heads.some((head) => head.task === task)))
    .map(({ layer, widths, channels, cost, weights }) => ({
      ...{ name: layer, layers: [], widths, blocks: blocksOf(widths, channels), cost },
      bytes: {
        separate: weights.before * parameterBytes.float32,
        zipped: weights.after * parameterBytes.float32,
      },
    }));

/** Channels by the tasks that use them; what a task shares with no other is its own. */
function blocksOf(
  widths: SharingRecord['widths'],
  channels: SharingRecord['channels'],
): GroupReport['blocks'] {
  const blocks = new Map<string, { tasks: string[]; channels: number }>();
  const own = new Map(Object.entries(widths));
  for (const channel of channels) {
    const tasks = Object.keys(channel);
    if (tasks.length < 2) continue;
    const block = blocks.get(tasks.join(' ')) ?? { tasks, channels: 0 };
    blocks.set(tasks.join(' '), { tasks, channels: block.channels + 1 });
    for (const task of tasks) own.set(task, (own.get(task) ?? 0) - 1);
  }
  return [
    ...blocks.values(),
    ...Array.from(own, ([task, left]) => ({ tasks: [task], channels: left })).filter(
      ({ channels: left }) => left > 0,
    ),
  ];
}

const unchanged = (value: number): { separate: number; zipped: number } => ({
  separate: value,
  zipped: value,
});

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
