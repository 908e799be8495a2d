import type { PreviewSheet } from '../../../../../shared/inspection.ts';
import styles from './Samples.module.css';

/** Pixels a small sample is enlarged to, roughly: whole multiples keep its pixels square and sharp. */
const shownSide = 64;

/** Real samples, class by class. */
export function Samples({
  sheet,
  labels,
}: {
  readonly sheet: PreviewSheet;
  readonly labels: readonly string[];
}) {
  const classes = [...new Set(sheet.labels)];
  return (
    <div className={styles.classes}>
      {classes.map((label) => {
        const name = labels[label] ?? String(label);
        const tiles = sheet.labels.flatMap((of, place) => (of === label ? [place] : []));
        return (
          <figure key={label} className={styles.class}>
            <figcaption>{name}</figcaption>
            <div className={styles.tiles} role="img" aria-label={`${tiles.length} samples of ${name}`}>
              {tiles.map((place) => (
                <Tile key={place} sheet={sheet} place={place} />
              ))}
            </div>
          </figure>
        );
      })}
    </div>
  );
}

function Tile({ sheet, place }: { readonly sheet: PreviewSheet; readonly place: number }) {
  const { png, width, height, columns, labels } = sheet;
  const zoom = Math.max(1, Math.round(shownSide / Math.max(width, height)));
  const rows = Math.ceil(labels.length / columns);
  const [column, row] = [place % columns, Math.floor(place / columns)];
  return (
    <span
      className={styles.tile}
      style={{
        width: width * zoom,
        height: height * zoom,
        backgroundImage: `url(data:image/png;base64,${png})`,
        backgroundSize: `${columns * width * zoom}px ${rows * height * zoom}px`,
        backgroundPosition: `-${column * width * zoom}px -${row * height * zoom}px`,
      }}
    />
  );
}
