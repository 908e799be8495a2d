import type { ExperimentReport } from '../../../../../shared/experiment-report.ts';
import { Card, Stats } from '../../ui/Card.tsx';
import { formatBytes, formatCount, formatDuration, formatPercent } from '../../ui/format.ts';
import { Table } from '../../ui/Table.tsx';
import { costName, formatFactor } from './experimentView.ts';

type Cost = ExperimentReport['costs'][number];
type Quantile = ExperimentReport['latency'][number];

/** What the arms cost, measured at the edge, and what that saves. */
export function Costs({ report }: { readonly report: ExperimentReport }) {
  const { costs, latency, saved, defaultArm, sizes } = report;
  return (
    <Card title="Costs" hint={`Measured at the edge, against ${defaultArm}; × 0.55 is 45 % less.`}>
      {saved.map(({ arm, bytes, macs, measuredLatency, measuredHeap }) => (
        <Stats
          key={arm}
          items={[
            {
              label: `${arm}: latency`,
              value: measuredLatency === null ? '–' : formatFactor(-measuredLatency),
              hint: 'mean of a request',
            },
            {
              label: 'Bytes, all tasks',
              value: bytes === null ? '–' : formatFactor(-bytes),
              hint: `${formatBytes(sizes[arm]?.bytes ?? 0)} against ${formatBytes(sizes[defaultArm]?.bytes ?? 0)}`,
            },
            {
              label: 'Multiply-adds',
              value: macs === null ? '–' : formatFactor(-macs),
              hint: `${formatCount(sizes[arm]?.macs ?? 0)} against ${formatCount(sizes[defaultArm]?.macs ?? 0)}`,
            },
            {
              label: 'Heap',
              value: measuredHeap === null ? '–' : formatFactor(-measuredHeap),
              hint: 'ONNX Runtime',
            },
          ]}
        />
      ))}
      {costs.length > 0 && (
        <Table<Cost>
          caption="Costs of a request"
          rows={costs}
          rowKey={({ arm, cost }) => `${arm} ${cost}`}
          columns={[
            { head: 'Cost', cell: ({ cost, arm }) => `${costName(cost)} (${arm})`, grow: true },
            { head: defaultArm, cell: ({ cost, baseline }) => shown(cost, baseline.value), number: true },
            { head: 'Candidate', cell: ({ cost, candidate }) => shown(cost, candidate.value), number: true },
            {
              head: 'Ratio',
              cell: ({ change }) => (change === null ? '–' : formatFactor(change)),
              number: true,
            },
            {
              head: 'Interval',
              cell: ({ interval: { low, high } }) =>
                low === null || high === null ? '–' : `[${(1 + low).toFixed(3)}, ${(1 + high).toFixed(3)}]`,
              number: true,
            },
          ]}
        />
      )}
      {latency.length > 0 && (
        <Table<Quantile>
          caption="Latency by quantile"
          rows={latency}
          rowKey={({ arm, quantile }) => `${arm} ${quantile}`}
          columns={[
            {
              head: 'Latency',
              cell: ({ arm, quantile }) => `${arm}, p${Math.round(quantile * 1000) / 10}`,
              grow: true,
            },
            { head: 'Value', cell: ({ ms }) => (ms === null ? '–' : formatDuration(ms)), number: true },
            {
              head: 'Ratio',
              cell: ({ change }) =>
                change === null || change.value === null ? '–' : formatFactor(change.value),
              number: true,
            },
          ]}
        />
      )}
    </Card>
  );
}

function shown(cost: string, value: number | null): string {
  if (value === null) return '–';
  if (cost.endsWith('Ms')) return formatDuration(value);
  if (/bytes/i.test(cost)) return formatBytes(value);
  return cost === 'errors' ? formatPercent(value) : value.toPrecision(3);
}
