import { useEffect, useRef, type PointerEvent } from 'react';
import type { RawImage } from '../../../../../shared/preprocess.ts';
import { Button } from '../../ui/Button.tsx';
import { centreDrawing } from './drawing.ts';
import styles from './playground.module.css';

/** Pixels of the pad, whatever size it is shown at. */
const padSize = 280;
const strokeWidth = 22;

/** Draw with a finger, a pen or the mouse: light on dark, as networks that read digits were trained. */
export function DrawPad({
  side,
  onDrawn,
}: {
  /** Pixels of the square picture that is handed over. */
  readonly side: number;
  readonly onDrawn: (image: RawImage<Uint8Array> | null) => void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<{ x: number; y: number } | null>(null);
  const context = (): CanvasRenderingContext2D | null =>
    canvas.current?.getContext('2d', { willReadFrequently: true }) ?? null;
  const clear = (): void => {
    const paint = context();
    if (paint === null) return;
    paint.fillStyle = '#000';
    paint.fillRect(0, 0, padSize, padSize);
  };
  useEffect(clear, []);
  const placeOf = (event: PointerEvent<HTMLCanvasElement>): { x: number; y: number } => {
    const box = event.currentTarget.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * padSize,
      y: ((event.clientY - box.top) / box.height) * padSize,
    };
  };
  const draw = (to: { x: number; y: number }): void => {
    const paint = context();
    if (paint === null) return;
    const from = last.current ?? to;
    paint.strokeStyle = '#fff';
    paint.lineWidth = strokeWidth;
    paint.lineCap = 'round';
    paint.lineJoin = 'round';
    paint.beginPath();
    paint.moveTo(from.x, from.y);
    paint.lineTo(to.x + 0.01, to.y);
    paint.stroke();
    last.current = to;
  };
  const handOver = (): void => {
    const paint = context();
    if (paint === null) return;
    const { data } = paint.getImageData(0, 0, padSize, padSize);
    const grey = Uint8Array.from({ length: padSize * padSize }, (_, at) => data[4 * at] ?? 0);
    onDrawn(centreDrawing({ width: padSize, height: padSize, data: grey }, side));
  };
  return (
    <div className={styles.pad}>
      <canvas
        ref={canvas}
        width={padSize}
        height={padSize}
        className={styles.canvas}
        role="img"
        aria-label="Drawing pad. Without a pointer, use a sample or a file."
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          last.current = null;
          draw(placeOf(event));
        }}
        onPointerMove={(event) => {
          if (event.buttons !== 0 && last.current !== null) draw(placeOf(event));
        }}
        onPointerUp={() => {
          last.current = null;
          handOver();
        }}
        onPointerCancel={() => {
          last.current = null;
          handOver();
        }}
      />
      <div className="spread">
        <p className="faint small">It is centred, then made as the bundle says.</p>
        <Button
          small
          onClick={() => {
            clear();
            onDrawn(null);
          }}
        >
          Clear
        </Button>
      </div>
    </div>
  );
}
