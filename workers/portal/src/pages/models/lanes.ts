// A graph as rows with lanes at their side, as histories of branches are drawn: every value runs down its lane from the node
// that makes it to the last one that reads it.

export interface LaneRow {
  /** Where the node stands. */
  readonly lane: number;
  /** Lanes that run past it, from top to bottom. */
  readonly passing: readonly number[];
  /** Lanes it reads from. */
  readonly reads: readonly number[];
  /** Whether its value is read further down. */
  readonly continues: boolean;
}

/**
 * @param from for each node the places of the nodes it reads; -1: an input of the network
 * @returns a row for each node, and how many lanes there are
 */
export function lanesOf(from: readonly (readonly number[])[]): { rows: readonly LaneRow[]; lanes: number } {
  const lastRead = new Map<number, number>();
  for (const [place, sources] of from.entries()) for (const source of sources) lastRead.set(source, place);
  const live = new Map<number, number>();
  if (lastRead.has(-1)) live.set(-1, 0);
  let lanes = 1;
  const rows = from.map((sources, place): LaneRow => {
    const reads = sources.flatMap((source) => live.get(source) ?? []);
    const ended = sources.filter((source) => lastRead.get(source) === place && live.has(source));
    const inherited = ended.map((source) => live.get(source) ?? 0).toSorted((a, b) => a - b)[0];
    for (const source of ended) live.delete(source);
    const taken = new Set(live.values());
    let lane = inherited ?? 0;
    if (inherited === undefined) while (taken.has(lane)) lane += 1;
    const passing = [...taken].toSorted((a, b) => a - b);
    const continues = lastRead.has(place);
    if (continues) live.set(place, lane);
    lanes = Math.max(lanes, lane + 1);
    return { lane, passing, reads, continues };
  });
  return { rows, lanes };
}
