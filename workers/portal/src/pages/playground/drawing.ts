import type { RawImage } from '../../../../../shared/preprocess.ts';

/** Of a drawing's longer side in the picture: as the digits of MNIST lie in theirs, 20 of 28 pixels. */
const filled = 20 / 28;

/**
 * A drawing (light on dark, one channel) put where networks have learnt to look: its box scaled to 20 of 28 pixels, its
 * centre of mass in the middle. Null for an empty drawing.
 *
 * @param side pixels of the square that comes out
 */
export function centreDrawing(
  { width, height, data }: Pick<RawImage<Uint8Array>, 'width' | 'height' | 'data'>,
  side: number,
): RawImage<Uint8Array> | null {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if ((data[y * width + x] ?? 0) > 32) {
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      }
  if (right < left) return null;
  const scale = (Math.max(right - left, bottom - top) + 1) / (side * filled);
  const sample = (x: number, y: number): number => averaged({ width, height, data }, x, y, scale);
  // First in the middle of the box, to see where the mass lies; then moved there.
  const middle = { x: (left + right + 1) / 2, y: (top + bottom + 1) / 2 };
  const first = drawnAround(middle, side, scale, sample);
  const mass = centreOfMass(first, side);
  const moved = {
    x: middle.x + (mass.x - side / 2) * scale,
    y: middle.y + (mass.y - side / 2) * scale,
  };
  return {
    width: side,
    height: side,
    channels: 1,
    axes: 'HWC',
    data: drawnAround(moved, side, scale, sample),
  };
}

function drawnAround(
  centre: { x: number; y: number },
  side: number,
  scale: number,
  sample: (x: number, y: number) => number,
): Uint8Array {
  const result = new Uint8Array(side * side);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      result[row * side + column] = Math.round(
        sample(centre.x + (column - side / 2) * scale, centre.y + (row - side / 2) * scale),
      );
  return result;
}

/** Mean over the square of side `scale` whose upper left corner is (x, y); outside all is dark. */
function averaged(
  { width, height, data }: { width: number; height: number; data: Uint8Array },
  x: number,
  y: number,
  scale: number,
): number {
  const [fromX, fromY] = [Math.floor(x), Math.floor(y)];
  const [toX, toY] = [Math.max(fromX + 1, Math.floor(x + scale)), Math.max(fromY + 1, Math.floor(y + scale))];
  let sum = 0;
  for (let v = Math.max(0, fromY); v < Math.min(height, toY); v++)
    for (let u = Math.max(0, fromX); u < Math.min(width, toX); u++) sum += data[v * width + u] ?? 0;
  return sum / ((toX - fromX) * (toY - fromY));
}

function centreOfMass(pixels: Uint8Array, side: number): { x: number; y: number } {
  let [sum, x, y] = [0, 0, 0];
  for (const [at, value] of pixels.entries()) {
    sum += value;
    x += value * ((at % side) + 0.5);
    y += value * (Math.floor(at / side) + 0.5);
  }
  return sum === 0 ? { x: side / 2, y: side / 2 } : { x: x / sum, y: y / sum };
}
