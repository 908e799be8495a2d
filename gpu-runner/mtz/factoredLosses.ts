import { cholesky, choleskySolve } from '../linalg/cholesky.ts';
import { dot, matrix, plus, rowsBetween, selectColumns, type Matrix } from '../linalg/matrix.ts';
import { channelRanges, ofInputs, responses, samplesSystem, type FactoredGram } from './factoredGram.ts';

/** Numbers of channels that losses are computed at; a system as large as all samples is solved for each. */
const stretchesAtMost = 8;

/**
 * What a layer loses without the last of the channels that it reads, the others making up for them, for a factored Gram
 * matrix X'X + lambda I. With D the columns that are gone, f = X_D w_D and K those that stay, it is
 * lambda (|w_D|^2 + f'(lambda I + X_K X_K')^-1 f) / 2, summed over the layer's channels: exact at some numbers of channels
 * (at all of up to 8), a straight line between them.
 *
 * @param weight [channels, inputs] of the layer, in the order of the Gram matrix
 * @param columns of every channel that it reads, those that go first coming last
 * @returns by how many of them stay: from none to all
 * @throws {RangeError} when it is not damped.
 */
export async function factoredLosses(
  gram: FactoredGram,
  weight: Matrix,
  columns: readonly (readonly number[])[],
): Promise<number[]> {
  const { damping } = gram;
  if (!(damping > 0))
    throw new RangeError(`Cannot solve with fewer samples than inputs undamped: the damping is ${damping}`);
  const count = columns.length;
  const points = pointsOf(count);
  const parts = points.length - 1;
  const stretches = points.slice(1).map((end, part) => columns.slice(points[part], end).flat());
  const factors = await keptFactors(gram, stretches);
  const exact = Array<number>(parts + 1).fill(0);
  for (const [first, end] of channelRanges(weight.rows)) {
    const rows = rowsBetween(weight, first, end);
    let made: Matrix | undefined;
    let square = 0;
    // Without the last stretch, without the last two, and so on.
    for (let part = parts - 1; part >= 0; part -= 1) {
      const stretch = stretches[part] ?? [];
      const gone = selectColumns(rows, stretch);
      const added = await responses(ofInputs(gram, stretch).factors, gone);
      made = made ? plus(made, added) : added;
      square += dot(gone.data, gone.data);
      const solved = await choleskySolve(factors[part] ?? matrix(0, 0), made);
      exact[part] = (exact[part] ?? 0) + (damping * (square + dot(made.data, solved.data))) / 2;
    }
  }
  return between(points, exact);
}

/** From 0 to a number of channels; closest together where few stay: each of those makes up for much. */
function pointsOf(count: number): number[] {
  const parts = Math.min(stretchesAtMost, count);
  const power = count > parts ? 2 : 1;
  const points = Array.from({ length: parts }, (_, part) =>
    Math.round(count * ((part + 1) / parts) ** power),
  );
  return [...new Set([0, ...points])];
}

/** For each stretch, the Cholesky factor of lambda I + X_K X_K' where it and all after it are gone. */
async function keptFactors(gram: FactoredGram, stretches: readonly (readonly number[])[]): Promise<Matrix[]> {
  const read = new Set(stretches.flat());
  const rest = Array.from({ length: gram.rows }, (_, input) => input).filter((input) => !read.has(input));
  let system = await samplesSystem(ofInputs(gram, rest).factors, gram.damping);
  const factors: Matrix[] = [];
  for (const stretch of stretches) {
    factors.push(await cholesky(system));
    system = plus(system, await samplesSystem(ofInputs(gram, stretch).factors, 0));
  }
  return factors;
}

/** The values at every whole number from the first point to the last. */
function between(points: readonly number[], values: readonly number[]): number[] {
  const result: number[] = [values[0] ?? 0];
  for (let part = 1; part < points.length; part += 1) {
    const [from = 0, to = 0] = [points[part - 1], points[part]];
    const [low = 0, high = 0] = [values[part - 1], values[part]];
    for (let at = from + 1; at <= to; at += 1) result.push(low + ((high - low) * (at - from)) / (to - from));
  }
  return result;
}
