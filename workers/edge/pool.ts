import { TrunklineError } from '../../shared/errors.ts';
import { fits, requireFit } from './limits.ts';
import { partBytes, type Part } from './part.ts';
import { Serial } from './serial.ts';
import type { Session } from './session.ts';

interface Entry {
  readonly key: string;
  readonly sizeBytes: number;
  readonly session: Promise<Session>;
  /** Requests that use it now. */
  users: number;
}

/**
 * The sessions an isolate keeps, within `limits`. A part is loaded once however many requests wait for it; the one
 * longest unused leaves when another needs its room.
 */
export class SessionPool {
  readonly #open: (part: Part) => Promise<Session>;
  /** In the order of last use. */
  readonly #entries = new Map<string, Entry>();
  /** One load at a time: each holds a JavaScript copy of its weights. */
  readonly #loads = new Serial();

  constructor(open: (part: Part) => Promise<Session>) {
    this.#open = open;
  }

  /**
   * Runs `act` with the sessions of `parts`, in their order; none of them is released meanwhile. `loaded` lists the
   * parts this call had to load. Let the promise end even when the client is gone: other requests may wait for its loads.
   *
   * @throws {TrunklineError} `unavailable`, when the parts do not fit or cannot be loaded. A failed load is forgotten.
   */
  async use<T>(
    parts: readonly Part[],
    act: (sessions: readonly Session[], loaded: readonly Part[]) => Promise<T>,
  ): Promise<T> {
    requireFit(parts.map((part) => part.label).join(', '), parts.map(partBytes));
    const held: Entry[] = [];
    const hold = (entry: Entry): Entry => {
      entry.users += 1;
      held.push(entry);
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
      return await act(
        sessions,
        parts.filter((_, i) => !known[i]),
      );
    } finally {
      for (const entry of held) entry.users -= 1;
    }
  }

  #load(part: Part): Entry {
    const sizeBytes = partBytes(part);
    const leaving = this.#leavingFor(sizeBytes, part.label);
    for (const entry of leaving) this.#entries.delete(entry.key);
    const session = this.#loads.run(async () => {
      for (const entry of leaving) {
        await entry.session.then(
          (old) => old.release(),
          () => undefined, // it never loaded
        );
      }
      return this.#open(part);
    });
    const entry: Entry = { key: part.key, sizeBytes, session, users: 0 };
    session.catch(() => {
      if (this.#entries.get(part.key) === entry) this.#entries.delete(part.key);
    });
    return entry;
  }

  /** The unused sessions, longest unused first, whose release makes `sizeBytes` more fit. */
  #leavingFor(sizeBytes: number, label: string): Entry[] {
    const staying = new Set(this.#entries.values());
    const room = (): boolean => fits([...Array.from(staying, (entry) => entry.sizeBytes), sizeBytes]);
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
