import { useMemo, useState, type CSSProperties } from 'react';
import type { ModelInspection } from '../../../../../shared/inspection.ts';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { formatCount, formatDims, formatExact, formatPercent } from '../../ui/format.ts';
import { lanesOf, type LaneRow } from './lanes.ts';
import styles from './ModelGraph.module.css';

/** Rows shown at first: more are one click away. */
const firstRows = 200;
const laneWidth = 16;
/** Beyond that lanes lie on each other: the picture must leave room for the words. */
const maxLanes = 8;

type Layers = NonNullable<ModelInspection['layers']>;

/** A network from top to bottom: what each node makes, what it costs, which channels can be shared. */
export function ModelGraph({
  layers,
  inspection,
}: {
  readonly layers: Layers;
  readonly inspection: ModelInspection;
}) {
  const [all, setAll] = useState(false);
  const { rows, lanes } = useMemo(() => lanesOf(layers.map(({ from }) => from)), [layers]);
  const shareable = new Map(inspection.groups.map((group) => [group.name, group]));
  const totalMacs = inspection.macs ?? 0;
  const width = Math.min(lanes, maxLanes) * laneWidth;
  const shown = all ? layers : layers.slice(0, firstRows);
  return (
    <div className={styles.graph} style={{ '--lanes': `${width}px` } as CSSProperties}>
      <table className={styles.table} role="table">
        <caption className="visually-hidden">
          The network’s nodes in the order in which they are computed
        </caption>
        <thead role="rowgroup">
          <tr role="row">
            <th scope="col" role="columnheader">
              Node
            </th>
            <th scope="col" role="columnheader">
              Makes
            </th>
            <th scope="col" role="columnheader" className="number">
              Parameters
            </th>
            <th scope="col" role="columnheader" className="number">
              Multiply-adds
            </th>
            <th scope="col" role="columnheader">
              Channels
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {shown.map((layer, place) => {
            const row = rows[place];
            const group = layer.group === null ? undefined : shareable.get(layer.group);
            const share = totalMacs > 0 && layer.macs !== null ? layer.macs / totalMacs : 0;
            return (
              <tr key={place} role="row" className={cx(layer.parameters > 0 && styles.weighted)}>
                <th scope="row" role="rowheader">
                  <span className={styles.node}>
                    {row !== undefined && <Lanes row={row} width={width} strong={layer.parameters > 0} />}
                    <span className={styles.op}>{layer.op}</span>
                    <span className={styles.name}>{layer.name}</span>
                  </span>
                </th>
                <td role="cell" data-label="Makes" className={styles.dims}>
                  {layer.dims === null ? <span className="faint">unknown</span> : formatDims(layer.dims)}
                </td>
                <td
                  role="cell"
                  data-label="Parameters"
                  className="number"
                  title={formatExact(layer.parameters)}
                >
                  {layer.parameters === 0 ? '' : formatCount(layer.parameters)}
                </td>
                <td role="cell" data-label="Multiply-adds" className="number">
                  {layer.macs === null ? (
                    <span className="faint">unknown</span>
                  ) : layer.macs === 0 ? (
                    ''
                  ) : (
                    <span
                      className={styles.macs}
                      title={`${formatExact(layer.macs)}, ${formatPercent(share, 1)} of all`}
                    >
                      <span className={styles.bar} aria-hidden="true">
                        <span style={{ width: `${share * 100}%` }} />
                      </span>
                      {formatCount(layer.macs)}
                    </span>
                  )}
                </td>
                <td role="cell" data-label="Channels">
                  {layer.group !== null &&
                    (group?.shareable === true ? (
                      <Badge tone="good">{formatExact(group.channels)} can be shared</Badge>
                    ) : (
                      <span className="small muted" title={group?.reason ?? undefined}>
                        {group?.reason ?? layer.group}
                      </span>
                    ))}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {layers.length > shown.length && (
        <div className={styles.more}>
          <Button small onClick={() => setAll(true)}>
            Show all {formatExact(layers.length)} nodes
          </Button>
        </div>
      )}
    </div>
  );
}

/** The piece of the picture beside one row, as tall as the row, so that rows join without a gap. */
function Lanes({
  row,
  width,
  strong,
}: {
  readonly row: LaneRow;
  readonly width: number;
  readonly strong: boolean;
}) {
  const x = (lane: number): number => Math.min(lane, maxLanes - 1) * laneWidth + laneWidth / 2;
  const middle = 22;
  return (
    <span className={styles.lanes} style={{ width }} aria-hidden="true">
      <svg width={width} height="100%" viewBox={`0 0 ${width} 44`} preserveAspectRatio="none">
        {row.passing.map((lane) => (
          <path key={`p${lane}`} d={`M${x(lane)} 0V44`} />
        ))}
        {row.reads.map((lane, at) => (
          <path
            key={`r${at}`}
            d={
              lane === row.lane
                ? `M${x(lane)} 0V${middle}`
                : `M${x(lane)} 0C${x(lane)} ${middle * 0.7} ${x(row.lane)} ${middle * 0.3} ${x(row.lane)} ${middle}`
            }
          />
        ))}
        {row.continues && <path d={`M${x(row.lane)} ${middle}V44`} />}
      </svg>
      <span className={strong ? styles.dot : styles.hollow} style={{ left: x(row.lane) }} />
    </span>
  );
}
