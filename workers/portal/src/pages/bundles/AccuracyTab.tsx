import { useState } from 'react';
import { Confusion } from '../../charts/Confusion.tsx';
import { Card } from '../../ui/Card.tsx';
import { formatCount, formatExact, formatPercent } from '../../ui/format.ts';
import { NativeSelect } from '../../ui/NativeSelect.tsx';
import { Table } from '../../ui/Table.tsx';
import { commonMistakes, taskRows, type Mistake, type TaskRow } from './bundleView.ts';
import type { BundleContent } from './useBundle.ts';

/** Classes up to which a whole matrix can be read. */
const readableClasses = 24;
const toldMistakes = 15;

/** What each task answers right, before and after, and what it takes for what. */
export function AccuracyTab({ content: { manifest, report } }: { readonly content: BundleContent }) {
  const confused = report?.tasks.filter(({ confusion }) => confusion?.after !== undefined) ?? [];
  const rows = taskRows(manifest, report);
  const isAnyBlind = rows.some(({ agreement }) => agreement !== null);
  return (
    <div className="stack">
      <Card
        title="By task"
        hint={`On samples that were held out; before is the network it was merged from.${isAnyBlind ? ' Where no labels say what is right: how many answers stayed those of that network.' : ''}`}
      >
        <Table<TaskRow>
          caption="Accuracy by task"
          rows={rows}
          rowKey={({ task }) => task}
          columns={[
            { head: 'Task', cell: ({ task }) => task },
            { head: 'Before', cell: ({ accuracy }) => told(accuracy?.before), number: true },
            { head: 'After', cell: ({ accuracy }) => told(accuracy?.after), number: true },
            {
              head: 'Change',
              number: true,
              cell: ({ accuracy }) => (accuracy === null ? '–' : points(accuracy.after - accuracy.before)),
            },
            ...(isAnyBlind
              ? [
                  {
                    head: 'Answers that stayed',
                    cell: ({ agreement }: TaskRow) => told(agreement?.share),
                    number: true,
                  },
                ]
              : []),
            {
              head: 'Samples',
              cell: ({ accuracy, agreement }) => {
                const samples = accuracy?.samples ?? agreement?.samples;
                return samples === undefined ? '–' : formatExact(samples);
              },
              number: true,
            },
            {
              head: 'Classes',
              cell: ({ labels }) => (labels.length === 0 ? '–' : formatExact(labels.length)),
              number: true,
            },
            { head: 'MACs alone', cell: ({ macs }) => formatCount(macs), number: true },
          ]}
        />
      </Card>
      {confused.map(({ task, labels, confusion }) => (
        <ConfusionCard
          key={task}
          task={task}
          labels={labels}
          after={confusion?.after ?? []}
          before={confusion?.before}
        />
      ))}
    </div>
  );
}

function ConfusionCard({
  task,
  labels,
  before,
  after,
}: {
  readonly task: string;
  readonly labels: readonly string[];
  readonly before: readonly (readonly number[])[] | undefined;
  readonly after: readonly (readonly number[])[];
}) {
  const [shown, setShown] = useState<'after' | 'before'>('after');
  const matrix = shown === 'before' && before ? before : after;
  return (
    <Card
      title={`What "${task}" takes for what`}
      hint="Rows are true labels, columns answers; the darker off the diagonal, the more often it is wrong."
      action={
        before !== undefined && (
          <NativeSelect
            label="Network"
            hideLabel
            value={shown}
            onChange={setShown}
            options={[
              { value: 'after', label: 'This bundle' },
              { value: 'before', label: 'The separate network' },
            ]}
          />
        )
      }
    >
      {matrix.length <= readableClasses ? (
        <Confusion
          caption={`Confusion of ${task}, ${shown === 'after' ? 'this bundle' : 'the separate network'}`}
          matrix={matrix}
          labels={labels}
        />
      ) : (
        <Table<Mistake>
          caption={`The most common mistakes of ${task}`}
          rows={commonMistakes(after, before, labels, toldMistakes)}
          rowKey={({ truth, answer }) => `${truth} ${answer}`}
          columns={[
            { head: 'True label', cell: ({ truth }) => truth },
            { head: 'Taken for', cell: ({ answer }) => answer },
            {
              head: 'Before',
              cell: (one) => (one.before === null ? '–' : formatExact(one.before)),
              number: true,
            },
            { head: 'After', cell: (one) => formatExact(one.after), number: true },
          ]}
        />
      )}
    </Card>
  );
}

const told = (share: number | undefined): string => (share === undefined ? '–' : formatPercent(share));

/** "+0.45 points"; a true minus, so that columns line up. */
const points = (change: number): string =>
  `${change >= 0 ? '+' : '−'}${Math.abs(100 * change).toFixed(2)} points`;
