import { useEffect, useRef, useState } from 'react';
import type { RawImage } from '../../../../../shared/preprocess.ts';
import { NativeSelect } from '../../ui/NativeSelect.tsx';
import { readSheet, tileOf } from './images.ts';
import type { SampleSheet } from './useEndpoint.ts';
import styles from './playground.module.css';

/** A sample as it is picked: with its true label. */
export interface PickedSample {
  readonly image: RawImage<Uint8Array>;
  readonly task: string;
  readonly label: string;
}

/** Samples of the tasks' data, to click on. */
export function Samples({
  sheets,
  onPick,
}: {
  readonly sheets: readonly SampleSheet[];
  readonly onPick: (sample: PickedSample) => void;
}) {
  const [task, setTask] = useState(sheets[0]?.task ?? '');
  const sheet = sheets.find((one) => one.task === task) ?? sheets[0];
  const [picture, setPicture] = useState<ImageBitmap | null>(null);
  useEffect(() => {
    let current = true;
    setPicture(null);
    if (sheet !== undefined)
      void readSheet(sheet.sheet).then((read) => {
        if (current) setPicture(read);
      });
    return () => {
      current = false;
    };
  }, [sheet]);
  if (sheet === undefined) return null;
  return (
    <div className="stack">
      {sheets.length > 1 && (
        <NativeSelect
          label="Samples of"
          value={sheet.task}
          onChange={setTask}
          options={sheets.map((one) => ({ value: one.task, label: one.task, hint: one.source }))}
        />
      )}
      <ul className={styles.samples} aria-label={`Samples of ${sheet.source}`}>
        {picture !== null &&
          sheet.sheet.labels.map((index, at) => {
            const label = sheet.labels[index] ?? String(index);
            return (
              <li key={at}>
                <button
                  type="button"
                  title={label}
                  aria-label={`Sample ${at + 1}: ${label}`}
                  onClick={() => onPick({ image: tileOf(sheet.sheet, picture, at), task: sheet.task, label })}
                >
                  <Tile sheet={sheet} picture={picture} at={at} />
                </button>
              </li>
            );
          })}
      </ul>
      <p className="faint small">From {sheet.source}.</p>
    </div>
  );
}

function Tile({
  sheet: { sheet },
  picture,
  at,
}: {
  readonly sheet: SampleSheet;
  readonly picture: ImageBitmap;
  readonly at: number;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height, columns } = sheet;
  useEffect(() => {
    canvas.current
      ?.getContext('2d')
      ?.drawImage(
        picture,
        (at % columns) * width,
        Math.floor(at / columns) * height,
        width,
        height,
        0,
        0,
        width,
        height,
      );
  }, [picture, at, columns, width, height]);
  return <canvas ref={canvas} width={width} height={height} aria-hidden="true" />;
}
