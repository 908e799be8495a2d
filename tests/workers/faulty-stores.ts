import { env } from 'cloudflare:workers';
import { TrunklineError } from '../../shared/errors.ts';
import { openStores, type Stores } from '../../workers/store/stores.ts';

/** What happens around one call of the storage: it may throw before or after the call is made, or wait. */
export type Around = (what: string, call: () => Promise<unknown>) => Promise<unknown>;

/** The stores of this test file, every call of which goes through `around`. */
export function storesThrough(around: Around): Stores {
  return openStores({
    d1: databaseThrough(env.DB, around),
    bucket: bindingThrough(env.BUNDLES, 'bucket', around),
    kv: bindingThrough(env.ROUTING, 'kv', around),
    deadLetters: env.DEAD_LETTERS,
    signer: null,
  });
}

/**
 * A process that dies at its call number `at` (from 1 on): the call is made, or not, and nobody hears of it; every call
 * after it fails. `calls` tells how many there were, to know when a process has lived to its end.
 */
export function dyingAt(at: number, isMade: boolean): { around: Around; calls: () => number } {
  let calls = 0;
  const around: Around = async (what, call) => {
    calls += 1;
    if (calls < at) return call();
    if (calls === at && isMade) await call().catch(() => undefined);
    // Not one that is worth another try: there is nobody left who could try.
    throw new TrunklineError('unavailable', `the process died at call ${at}: ${what}`);
  };
  return { around, calls: () => calls };
}

/** Storage that fails a share (0 to 1) of its calls, half of them after they were made. `draw` answers 0 to 1. */
export const failing =
  (share: number, draw: () => number): Around =>
  async (what, call) => {
    if (draw() >= share) return call();
    if (draw() < 0.5) await call().catch(() => undefined);
    throw new Error(`${what} failed`);
  };

/** Numbers from 0 to 1 that look random and are the same for the same seed. */
export function drawFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Runs processes at the same time, one call of the storage after the other: when all that still run wait for a call, the
 * draw decides whose is next. So one may be through with everything while another has only begun.
 */
export async function inTurns<T>(
  draw: () => number,
  processes: readonly ((around: Around) => Promise<T>)[],
): Promise<T[]> {
  /** Calls that wait, by process; a process that has ended is not in here. */
  const waiting = new Map<number, (() => void)[]>(processes.map((_, i) => [i, []]));
  let running = -1;
  const next = (): void => {
    if ([...waiting.values()].some((calls) => calls.length === 0)) return;
    const ids = [...waiting.keys()];
    // More often than not the same goes on: much happens to one while another stands still.
    if (!waiting.has(running) || draw() < 0.4) running = ids[Math.floor(draw() * ids.length)] ?? -1;
    if (running === -1) return;
    waiting.get(running)?.shift()?.();
    // A process may have more calls that wait: one of a stream that another one of its calls reads.
    next();
  };
  const run = async (process: (around: Around) => Promise<T>, id: number): Promise<T> => {
    try {
      return await process(async (_, call) => {
        await new Promise<void>((go) => {
          waiting.get(id)?.push(go);
          next();
        });
        return call();
      });
    } finally {
      waiting.delete(id);
      next();
    }
  };
  return Promise.all(processes.map(run));
}

type Method = (...args: unknown[]) => unknown;

/** What is thrown is a promise that fails. */
const called = (method: Method, target: object, args: unknown[]): Promise<unknown> =>
  new Promise((resolve) => {
    resolve(method.apply(target, args));
  });

function bindingThrough<T extends object>(binding: T, name: string, around: Around): T {
  return new Proxy(binding, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      const method = value as Method;
      return (...args: unknown[]) =>
        around(`${name}.${String(property)}`, () => called(method, target, args));
    },
  });
}

/** D1 calls are made by statements and by batches of them. */
function databaseThrough(database: D1Database, around: Around): D1Database {
  const real = new WeakMap<object, D1PreparedStatement>();
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== 'function') return value;
        const method = value as Method;
        if (property === 'bind') {
          return (...args: unknown[]) => wrap(method.apply(target, args) as D1PreparedStatement);
        }
        return (...args: unknown[]) => around(`d1.${String(property)}`, () => called(method, target, args));
      },
    });
    real.set(proxy, statement);
    return proxy;
  };
  return new Proxy(database, {
    get(target, property) {
      if (property === 'prepare') return (text: string) => wrap(target.prepare(text));
      if (property === 'batch') {
        return (statements: D1PreparedStatement[]) =>
          around('d1.batch', () => target.batch(statements.map((one) => real.get(one) ?? one)));
      }
      return Reflect.get(target, property) as unknown;
    },
  });
}
