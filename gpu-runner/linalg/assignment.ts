import { breathe } from './breathe.ts';
import { row, type Matrix } from './matrix.ts';

/**
 * Gives every row a column of its own so that the sum of the costs is least; infinite costs are forbidden pairs.
 * Shortest augmenting paths with dual prices (Jonker and Volgenant 1987, in the rectangular form of Crouse 2016).
 *
 * @param cost [rows, cols], rows <= cols
 * @returns the column of each row
 * @throws {RangeError} when there are more rows than columns, a cost is NaN or -Infinity, or no assignment is allowed.
 */
export async function assign(cost: Matrix): Promise<Int32Array> {
  const { rows, cols } = cost;
  if (rows > cols) throw new RangeError(`Cannot assign ${rows} rows to ${cols} columns`);
  const wrong = cost.data.findIndex((value) => !(value > -Infinity));
  if (wrong >= 0) {
    throw new RangeError(
      `Cannot assign: the cost of row ${Math.floor(wrong / cols)}, column ${wrong % cols} is ${cost.data[wrong] ?? NaN}`,
    );
  }
  const state: State = {
    columnOf: new Int32Array(rows).fill(-1),
    rowOf: new Int32Array(cols).fill(-1),
    rowPrice: new Float64Array(rows),
    columnPrice: new Float64Array(cols),
    distance: new Float64Array(cols),
    cameFrom: new Int32Array(cols),
    settled: new Uint8Array(cols),
  };
  for (let free = 0; free < rows; free += 1) {
    await breathe();
    augment(cost, state, free);
  }
  return state.columnOf;
}

interface State {
  readonly columnOf: Int32Array;
  readonly rowOf: Int32Array;
  /** Dual prices: cost - rowPrice - columnPrice is never negative, and zero for assigned pairs. */
  readonly rowPrice: Float64Array;
  readonly columnPrice: Float64Array;
  /** Per column, in the search under way: its distance from the free row, the row it was reached from, whether final. */
  readonly distance: Float64Array;
  readonly cameFrom: Int32Array;
  readonly settled: Uint8Array;
}

/** Assigns row `free` along the cheapest path of reassignments that ends in a free column. */
function augment(cost: Matrix, state: State, free: number): void {
  const { columnOf, rowOf, rowPrice, columnPrice, distance, cameFrom, settled } = state;
  distance.fill(Infinity);
  settled.fill(0);
  let current = free;
  let reached = 0;
  let column: number;
  do {
    column = nearest(row(cost, current), current, reached, state);
    reached = distance[column] ?? Infinity;
    if (column < 0) throw new RangeError(`Cannot assign row ${free}: too many of the pairs are forbidden`);
    settled[column] = 1;
    current = rowOf[column] ?? -1;
  } while (current >= 0);

  rowPrice[free] = (rowPrice[free] ?? 0) + reached;
  for (let j = 0; j < settled.length; j += 1) {
    const owner = rowOf[j] ?? -1;
    if (settled[j] === 0 || owner < 0) continue;
    const slack = reached - (distance[j] ?? 0);
    rowPrice[owner] = (rowPrice[owner] ?? 0) + slack;
    columnPrice[j] = (columnPrice[j] ?? 0) - slack;
  }
  for (let end = column; end >= 0;) {
    const owner = cameFrom[end] ?? 0;
    const previous = columnOf[owner] ?? -1;
    rowOf[end] = owner;
    columnOf[owner] = end;
    end = owner === free ? -1 : previous;
  }
}

/** Relaxes the unsettled columns through row `from`, then returns the nearest of them; -1 when none can be reached. */
function nearest(costs: Float64Array, from: number, reached: number, state: State): number {
  const { rowPrice, columnPrice, distance, cameFrom, settled } = state;
  const base = reached - (rowPrice[from] ?? 0);
  let best = -1;
  let shortest = Infinity;
  for (let j = 0; j < costs.length; j += 1) {
    if (settled[j] === 1) continue;
    const through = base + (costs[j] ?? Infinity) - (columnPrice[j] ?? 0);
    let length = distance[j] ?? Infinity;
    if (through < length) {
      distance[j] = through;
      cameFrom[j] = from;
      length = through;
    }
    // Among equals a free column ends the search at once.
    if (length < shortest || (length === shortest && best >= 0 && (state.rowOf[j] ?? -1) < 0)) {
      shortest = length;
      best = j;
    }
  }
  return best;
}
