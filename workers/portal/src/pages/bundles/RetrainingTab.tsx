import { LineChart } from '../../charts/LineChart.tsx';
import { taskColour } from '../../charts/colours.ts';
import { thinned } from '../../charts/extent.ts';
import { Card } from '../../ui/Card.tsx';
import { formatBytes, formatCount, formatExact, formatPercent } from '../../ui/format.ts';
import type { Report, TradeoffReport } from '../../../../../shared/report.ts';

const drawnPoints = 600;

/** How the merge went: losses, accuracies, floors, and the curve that its plan lies on. */
export default function RetrainingTab({ report }: { readonly report: Report }) {
  const { retraining, tradeoff, tasks } = report;
  const names = tasks.map(({ task }) => task);
  if (retraining === undefined) return null;
  const isWork = tradeoff?.of === 'macs';
  const sizeOf = ({ bytes, macs = 0 }: TradeoffReport['predicted'][number]) => (isWork ? macs : bytes);
  const { history, validation, floors, events, iterations } = retraining;
  return (
    <div className="stack">
      {tradeoff !== undefined && tradeoff.predicted.length > 1 && (
        <Card
          title="What sharing costs"
          hint="Predicted on the untouched networks; the mark is where this bundle lies."
        >
          <LineChart
            title={`Predicted loss against ${isWork ? 'multiply-adds' : 'bytes'}`}
            description={`${tradeoff.predicted.length} plans from everything shared to nothing shared.`}
            x={
              isWork
                ? { label: 'multiply-adds, all tasks', format: formatCount }
                : { label: 'bytes stored', format: formatBytes }
            }
            y={{ label: 'predicted loss', format: (loss) => loss.toPrecision(2), include: [0] }}
            series={[
              {
                label: 'predicted loss',
                colour: 'var(--accent)',
                points: thinned(tradeoff.predicted, drawnPoints).map((point) => ({
                  x: sizeOf(point),
                  y: point.loss,
                })),
              },
            ]}
            chosen={tradeoff.chosen && sizeOf(tradeoff.chosen)}
          />
        </Card>
      )}
      <div className="grid">
        {history.length > 0 && (
          <Card title="Losses" hint={`${formatExact(iterations)} optimiser steps in all`}>
            <LineChart
              title="Losses while retraining"
              description="Loss of each task at each retraining step."
              x={{ label: 'retraining step', format: formatExact, whole: true }}
              y={{ label: 'loss', format: (loss) => loss.toPrecision(2), include: [0] }}
              series={names.map((task, index) => ({
                label: task,
                colour: taskColour(index),
                points: thinned(history, drawnPoints).map(({ step, losses }) => ({
                  x: step,
                  y: losses[task] ?? null,
                })),
              }))}
            />
          </Card>
        )}
        {validation.length > 0 && (
          <Card title="Accuracy after each layer">
            <LineChart
              title="Accuracy after each layer"
              description="Share of held-out samples answered right, after each layer was shared and retrained."
              x={{ label: 'retraining step', format: formatExact, whole: true }}
              y={{ label: 'accuracy', format: (share) => formatPercent(share, 1) }}
              rules={Object.entries(floors).map(([task, floor]) => ({
                y: floor,
                label: `floor of ${task}`,
                colour: taskColour(names.indexOf(task)),
              }))}
              series={names.map((task, index) => ({
                label: task,
                colour: taskColour(index),
                points: validation.map(({ step, accuracy }) => ({ x: step, y: accuracy[task] ?? null })),
                dots: true,
              }))}
            />
          </Card>
        )}
      </div>
      {events.length > 0 && (
        <Card title="What did not go as planned">
          <ul>
            {events.map(({ message, kind }, at) => (
              <li key={at}>
                {kind}: {message}
              </li>
            ))}
          </ul>
        </Card>
      )}
    </div>
  );
}
