import { TrunklineError } from '../../shared/errors.ts';
import type { Room, Session } from './backend.ts';
import { fits, HeapFull, requireFit } from './limits.ts';
import { heldBytes, type Part } from './part.ts';
import { Serial } from './serial.ts';

interface Entry {
  readonly key: string;
  readonly sizeBytes: number;
  readonly session: Promise<Session>;
  /** Whether it is loaded. */
  ready: boolean;
  /** Requests that use it now. */
  users: number;
}

/** What yields found no room beside what does not. */
export class GaveWay extends TrunklineError {}

/**
 * The sessions an isolate keeps, within the room it has. A part is loaded once however many requests wait for it; the one
 * longest unused leaves when another needs its room.
 */
export class SessionPool {
  readonly #open: (part: Part) => Promise<Session>;
  readonly #room: Room;
  /** In the order of last use. */
  readonly #entries = new Map<string, Entry>();
  /** One load at a time: each holds a JavaScript copy of its weights. */
  readonly #loads = new Serial();

  constructor(open: (part: Part) => Promise<Session>, room: Room = { fits, requireFit }) {
    this.#open = open;
    this.#room = room;
  }

  /**
   * Runs `act` with the sessions of `parts`, in their order; none of them is released meanwhile. `loaded` lists the
   * parts this call had to load. When the heap is full, idle sessions are released and `act` runs once more.
   *
   * Let the promise end even when the client is gone: other requests may wait for its loads.
   *
   * With `yielding`, the parts give way to those of requests: nothing is released to make room for them, and they may
   * be released while `act` runs, whose next run then fails.
   *
   * @throws {TrunklineError} `unavailable`, when the parts do not fit or cannot be loaded. A failed load is forgotten.
   */
  async use<T>(
    parts: readonly Part[],
    act: (sessions: readonly Session[], loaded: readonly Part[]) => Promise<T>,
    { yielding = false }: { yielding?: boolean } = {},
  ): Promise<T> {
    const label = parts.map((part) => part.label).join(', ');
    this.#room.requireFit(label, parts.map(heldBytes));
    if (yielding) this.#requireFree(parts, label);
    const held: Entry[] = [];
    const hold = (entry: Entry): Entry => {
      if (!yielding) {
        entry.users += 1;
        held.push(entry);
      }
      this.#entries.delete(entry.key);
      this.#entries.set(entry.key, entry);
      return entry;
    };
    try {
      // Those already here are held first, so that making room for the others does not release them.
      const known = parts.map((part) => {
        const entry = this.#entries.get(part.key);
        return entry && hold(entry);
      });
      const entries = parts.map((part, i) => known[i] ?? hold(this.#load(part)));
      const sessions = await Promise.all(entries.map((entry) => entry.session));
      const loaded = parts.filter((_, i) => !known[i]);
      const run = (): Promise<T> => act(sessions, loaded);
      return await (yielding ? run() : this.#withRoom(run));
    } finally {
      for (const entry of held) entry.users -= 1;
    }
  }

  /** @throws {GaveWay} when the parts fit only after a release. */
  #requireFree(parts: readonly Part[], label: string): void {
    const missing = parts.filter((part) => !this.#entries.has(part.key));
    const present = Array.from(this.#entries.values(), (entry) => entry.sizeBytes);
    if (this.#room.fits([...present, ...missing.map(heldBytes)])) return;
    throw new GaveWay('unavailable', `Cannot load ${label}: other sessions are in the memory it needs`);
  }

  #load(part: Part): Entry {
    const sizeBytes = heldBytes(part);
    const leaving = this.#leavingFor(sizeBytes, part.label);
    for (const entry of leaving) this.#entries.delete(entry.key);
    const session = this.#loads.run(async () => {
      await release(leaving);
      return this.#withRoom(() => this.#open(part));
    });
    const entry: Entry = { key: part.key, sizeBytes, session, ready: false, users: 0 };
    session.then(
      () => {
        entry.ready = true;
      },
      () => {
        if (this.#entries.get(part.key) === entry) this.#entries.delete(part.key);
      },
    );
    return entry;
  }

  /** Does the work; should the heap be full, once more with everything released that nobody uses. */
  async #withRoom<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HeapFull)) throw error;
      // Those still to load are left alone: a load would wait for itself.
      const idle = [...this.#entries.values()].filter((entry) => entry.ready && entry.users === 0);
      if (idle.length === 0) throw error;
      for (const entry of idle) this.#entries.delete(entry.key);
      await release(idle);
      return work();
    }
  }

  /** The unused sessions, longest unused first, whose release makes `sizeBytes` more fit. */
  #leavingFor(sizeBytes: number, label: string): Entry[] {
    const staying = new Set(this.#entries.values());
    const room = (): boolean =>
      this.#room.fits([...Array.from(staying, (entry) => entry.sizeBytes), sizeBytes]);
    const leaving: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (room()) break;
      if (entry.users > 0) continue;
      staying.delete(entry);
      leaving.push(entry);
    }
    if (room()) return leaving;
    throw new TrunklineError(
      'unavailable',
      `Cannot load ${label} now: requests in progress use the memory it needs; try again`,
    );
  }
}

async function release(entries: readonly Entry[]): Promise<void> {
  for (const { session } of entries) {
    await session.then(
      (loaded) => loaded.release(),
      () => undefined, // it never loaded
    );
  }
}
