import { useId } from 'react';
import { parameterBytes } from '../../../../../shared/heap.ts';
import type { PlanResult } from '../../../../../shared/jobs.ts';
import type { Storage } from '../../../../../shared/recipe.ts';
import { GroupBars } from '../../charts/GroupBars.tsx';
import { LineChart } from '../../charts/LineChart.tsx';
import { Stats } from '../../ui/Card.tsx';
import { formatBytes, formatCount, formatPercent } from '../../ui/format.ts';
import { barsOf, curveOf, heapAt, placeAt, savedAt, type Measure } from './planView.ts';
import styles from './merge.module.css';

const sizeLabels: Readonly<Record<Measure, string>> = {
  parameters: 'parameters',
  bytes: 'bytes of weights',
  macs: 'multiply-adds, all tasks',
  heap: 'heap at the edge, estimated',
};

/** The curve, a place on it to drag, and what each group shares there. */
export default function Curve({
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
  const format = measure === 'macs' || measure === 'parameters' ? formatCount : formatBytes;
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
        y={{ label: 'predicted loss', format: formatLoss, include: [0] }}
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
            value: formatBytes(point ? heapAt(point, storage) : 0),
            hint: `separate ${formatBytes(heapAt(separate, 'float32'))}, ${formatPercent(saved.heap, 1)}`,
          },
          {
            label: 'Predicted loss',
            value: formatLoss(chosen.y),
            hint: 'of the variance of the answers, before retraining',
          },
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
