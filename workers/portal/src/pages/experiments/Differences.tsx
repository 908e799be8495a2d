import { useState } from 'react';
import type { ExperimentReport } from '../../../../../shared/experiment-report.ts';
import { taskColour } from '../../charts/colours.ts';
import { Intervals } from '../../charts/Intervals.tsx';
import { LineChart } from '../../charts/LineChart.tsx';
import { Card } from '../../ui/Card.tsx';
import { formatExact, formatPercent } from '../../ui/format.ts';
import { NativeSelect } from '../../ui/NativeSelect.tsx';
import { Table } from '../../ui/Table.tsx';
import { courseOf, formatPoints, intervalRows } from './experimentView.ts';

type Row = ExperimentReport['tasks'][number];

/** Each task's difference with its interval: now, and how it came there. */
export function Differences({ report }: { readonly report: ExperimentReport }) {
  const { tasks } = report;
  const [chosen, setChosen] = useState('');
  const keyOf = ({ task, arm }: Pick<Row, 'task' | 'arm'>): string => `${task} ${arm}`;
  const shown = tasks.find((one) => keyOf(one) === chosen) ?? tasks[0];
  const course = shown && courseOf(report, shown.arm, shown.task);
  const colour = taskColour(shown ? [...new Set(tasks.map(({ task }) => task))].indexOf(shown.task) : 0);
  return (
    <>
      <Card title="Differences" hint={`In points of accuracy or reward, against ${report.defaultArm}.`}>
        {tasks.every(({ difference }) => difference === null) ? (
          <p className="muted">
            No outcomes yet: they come through POST /v1/outcomes, late and in any order.
          </p>
        ) : (
          <Intervals
            title="Difference of each task with its interval"
            rows={intervalRows(report)}
            format={formatPoints}
          />
        )}
        <Table<Row>
          caption="Tasks"
          rows={tasks}
          rowKey={keyOf}
          columns={[
            { head: 'Task', cell: ({ task, arm }) => `${task}: ${arm}` },
            { head: report.defaultArm, cell: ({ baseline }) => told(baseline.value), number: true },
            { head: 'Candidate', cell: ({ candidate }) => told(candidate.value), number: true },
            {
              head: 'Difference, points',
              cell: ({ difference }) => (difference === null ? '–' : formatPoints(difference)),
              number: true,
            },
            {
              head: 'Interval',
              cell: ({ interval: { low, high } }) =>
                `[${low === null ? '−∞' : formatPoints(low)}, ${high === null ? '∞' : formatPoints(high)}]`,
              number: true,
            },
            { head: 'Margin', cell: ({ margin }) => formatPoints(-margin), number: true },
            {
              head: 'Units',
              cell: ({ candidate, baseline }) => formatExact(candidate.units + baseline.units),
              number: true,
            },
            {
              head: 'Still needed',
              cell: ({ unitsStillNeeded, verdict }) =>
                verdict !== 'undecided'
                  ? '–'
                  : unitsStillNeeded === null
                    ? 'not known'
                    : `about ${formatExact(unitsStillNeeded)}`,
              number: true,
            },
          ]}
        />
      </Card>
      {shown !== undefined && course !== undefined && course.points.length > 0 && (
        <Card
          title="Over time"
          hint="The interval is valid at every look. Above the margin from end to end: not inferior."
          action={
            tasks.length > 1 && (
              <NativeSelect
                label="Comparison"
                hideLabel
                value={keyOf(shown)}
                onChange={setChosen}
                options={tasks.map((one) => ({ value: keyOf(one), label: `${one.task}: ${one.arm}` }))}
              />
            )
          }
        >
          <LineChart
            title={`Difference of ${shown.task} while units came`}
            description={`From ${formatExact(course.points[0]?.x ?? 0)} to ${formatExact(course.points.at(-1)?.x ?? 0)} units; margin ${formatPoints(-shown.margin)} points.`}
            x={{ label: 'units, all arms', format: formatExact, whole: true }}
            y={{ label: 'difference, points', format: (value) => formatPoints(value, 1), include: [0] }}
            series={[
              {
                label: `${shown.arm} − ${report.defaultArm}`,
                colour,
                points: course.points,
                band: course.band,
              },
            ]}
            bandLabel="always-valid interval"
            rules={[
              { y: -shown.margin, label: 'non-inferiority margin', colour: 'var(--bad)' },
              { y: 0, label: 'no difference', colour: 'var(--border-strong)' },
            ]}
          />
        </Card>
      )}
    </>
  );
}

const told = (value: number | null): string => (value === null ? '–' : formatPercent(value));
