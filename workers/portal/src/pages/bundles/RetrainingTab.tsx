import { LineChart } from '../../charts/LineChart.tsx';
import { taskColour } from '../../charts/colours.ts';
import { thinned } from '../../charts/extent.ts';
import { Card } from '../../ui/Card.tsx';
import { formatBytes, formatExact, formatPercent } from '../../ui/format.ts';
import type { Report } from '../../../../../shared/report.ts';

const drawnPoints = 600;

/** How the merge went: losses, accuracies, floors, and the curve its budget was chosen on. */
export default function RetrainingTab({ report }: { readonly report: Report }) {
  const { retraining, tradeoff, tasks } = report;
  const names = tasks.map(({ task }) => task);
  if (retraining === undefined) return null;
  const { history, validation, floors, events, iterations } = retraining;
  return (
    <div className="stack">
      {tradeoff !== undefined && tradeoff.predicted.length > 1 && (
        <Card
          title="The budget"
          hint="Predicted on the untouched networks; the mark is where this bundle lies."
        >
          <LineChart
            title="Predicted loss against bytes"
            description={`${tradeoff.predicted.length} plans from everything shared to nothing shared.`}
            x={{ label: 'bytes stored', format: formatBytes }}
            y={{ label: 'predicted loss', format: (loss) => loss.toPrecision(2), include: [0] }}
            series={[
              {
                label: 'predicted loss',
                colour: 'var(--accent)',
                points: thinned(tradeoff.predicted, drawnPoints).map(({ bytes, loss }) => ({
                  x: bytes,
                  y: loss,
                })),
              },
            ]}
            chosen={tradeoff.chosen?.bytes}
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
