import { useId } from 'react';
import { parameterBytes } from '../../../../../shared/heap.ts';
import type { PlanResult } from '../../../../../shared/jobs.ts';
import type { Storage } from '../../../../../shared/recipe.ts';
import { GroupBars } from '../../charts/GroupBars.tsx';
import { LineChart } from '../../charts/LineChart.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card, Stats } from '../../ui/Card.tsx';
import { ErrorState } from '../../ui/ErrorState.tsx';
import { formatBytes, formatCount, formatPercent } from '../../ui/format.ts';
import { Progress } from '../../ui/Progress.tsx';
import { barsOf, curveOf, heapAt, placeAt, savedAt, type Measure } from './planView.ts';
import type { Plan } from './usePlan.ts';
import styles from './merge.module.css';

const measures: readonly { id: Measure; label: string }[] = [
  { id: 'parameters', label: 'Bytes' },
  { id: 'macs', label: 'Multiply-adds' },
  { id: 'heap', label: 'Heap' },
];

const sizeLabels: Readonly<Record<Measure, string>> = {
  parameters: 'bytes stored',
  macs: 'multiply-adds, all tasks',
  heap: 'heap at the edge, estimated',
};

/** The predicted curve of loss against size, a budget to drag along it, and what each group shares there. */
export function PlanCard({
  plan,
  stale,
  ready,
  measure,
  storage,
  place,
  onAsk,
  onMeasure,
  onPlace,
}: {
  readonly plan: Plan;
  /** The form says something else by now. */
  readonly stale: boolean;
  /** Whether there is something to plan. */
  readonly ready: boolean;
  readonly measure: Measure;
  readonly storage: Storage;
  readonly place: number;
  readonly onAsk: () => void;
  readonly onMeasure: (measure: Measure) => void;
  readonly onPlace: (place: number) => void;
}) {
  const { result, busy, error, job } = plan;
  const shown = result !== null && !stale;
  return (
    <Card
      title="Budget"
      hint="What sharing costs is predicted on the data, before anything is merged. Without a budget all channels that can be shared are."
      action={
        <div className="row">
          <div className={styles.segments} role="group" aria-label="What the budget is of">
            {measures.map(({ id, label }) => (
              <button key={id} type="button" aria-pressed={measure === id} onClick={() => onMeasure(id)}>
                {label}
              </button>
            ))}
          </div>
          <Button busy={busy} disabled={!ready} onClick={onAsk}>
            {shown ? 'Predict again' : 'Predict the curve'}
          </Button>
        </div>
      }
    >
      {error !== null && <ErrorState error={error} compact />}
      {busy && (
        <Progress
          label="A runner reads the networks and measures their layers"
          value={null}
          text={
            job?.state === 'leased'
              ? (job.progress?.message ?? job.progress?.stage ?? 'working')
              : 'waiting for a runner'
          }
        />
      )}
      {!shown && !busy && error === null && (
        <p className="muted">
          {ready
            ? stale && result !== null
              ? 'The networks changed since the curve was predicted.'
              : 'Takes seconds for small networks, minutes for large ones. The merge can be started without it.'
            : 'Pick two networks that go together first.'}
        </p>
      )}
      {shown && <Curve {...{ result, measure, storage, place, onPlace }} />}
    </Card>
  );
}

function Curve({
  result,
  measure,
  storage,
  place,
  onPlace,
}: {
  readonly result: PlanResult;
  readonly measure: Measure;
  readonly storage: Storage;
  readonly place: number;
  readonly onPlace: (place: number) => void;
}) {
  const id = useId();
  const points = curveOf(result, measure, storage);
  const format = measure === 'macs' ? formatCount : formatBytes;
  const chosen = points[place] ?? { x: 0, y: 0 };
  const saved = savedAt(result, place, storage);
  const { separate, curve } = result;
  const point = curve[place];
  const last = points.length - 1;
  const told =
    place === 0
      ? 'all that can be shared'
      : place === last
        ? 'nothing shared'
        : `${formatPercent(saved[measure], 1)} of separate`;
  return (
    <div className="stack">
      <LineChart
        title="Predicted loss against size"
        description={`From ${format(points[0]?.x ?? 0)} with everything shared to ${format(points[last]?.x ?? 0)} with nothing shared. Chosen: ${format(chosen.x)}.`}
        x={{ label: sizeLabels[measure], format }}
        y={{ label: 'predicted loss (second order)', format: formatLoss, include: [0] }}
        series={[{ label: 'predicted loss', colour: 'var(--accent)', points }]}
        chosen={chosen.x}
        onPick={(x) => onPlace(placeAt(result, measure, storage, x))}
      />
      <div className={styles.slider}>
        <label htmlFor={id}>Budget</label>
        <input
          id={id}
          type="range"
          min={0}
          max={last}
          step={1}
          value={place}
          aria-valuetext={`${format(chosen.x)}, ${told}, predicted loss ${formatLoss(chosen.y)}`}
          onChange={(event) => onPlace(Number(event.currentTarget.value))}
        />
        <output htmlFor={id}>{told}</output>
      </div>
      <Stats
        items={[
          {
            label: storage === 'float32' ? 'Bytes stored' : `Bytes stored as ${storage}, about`,
            value: formatBytes((point?.parameters ?? 0) * parameterBytes[storage]),
            hint: `separate ${formatBytes(separate.parameters * parameterBytes.float32)}, ${formatPercent(saved.parameters, 1)} of the parameters`,
          },
          {
            label: 'Multiply-adds, all tasks',
            value: formatCount(point?.macs ?? 0),
            hint: `separate ${formatCount(separate.macs)}, ${formatPercent(saved.macs, 1)}`,
          },
          {
            label: 'Heap at the edge, about',
            value: formatBytes(point ? heapAt(result, point, storage) : 0),
            hint: `separate ${formatBytes(heapAt(result, separate, 'float32'))}, ${formatPercent(saved.heap, 1)}`,
          },
          { label: 'Predicted loss', value: formatLoss(chosen.y), hint: 'before retraining' },
        ]}
      />
      <GroupBars
        caption="Channels of each group at this budget"
        tasks={Object.keys(result.groups[0]?.widths ?? {})}
        groups={barsOf(result, place)}
      />
      {result.notes.length > 0 && (
        <ul className={styles.notes}>
          {result.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

const formatLoss = (loss: number): string =>
  loss === 0 ? '0' : loss < 0.001 ? loss.toExponential(1) : loss < 10 ? loss.toPrecision(2) : loss.toFixed(0);
