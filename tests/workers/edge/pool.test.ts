import { describe, expect, test } from 'vitest';
import { HeapFull, MiB } from '../../../workers/edge/limits.ts';
import type { Part } from '../../../workers/edge/part.ts';
import { SessionPool } from '../../../workers/edge/pool.ts';
import type { Session } from '../../../workers/edge/backend.ts';
import { digest } from './fixtures.ts';

const part = (key: string, mib = 1): Part => ({
  key,
  label: `part ${key}`,
  task: null,
  graph: { path: `${key}.onnx`, sha256: digest('0'), sizeBytes: mib * MiB },
  weights: [],
  widens: false,
  inputs: [],
  outputs: [],
});

/** A pool whose sessions are only written down. */
function recorded(
  fail: (key: string) => boolean = () => false,
  failure = (key: string) => new Error(`no ${key}`),
) {
  const log: string[] = [];
  const pool = new SessionPool(async ({ key }) => {
    log.push(`open ${key}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (fail(key)) throw failure(key);
    const session: Session = {
      run: () => Promise.resolve({}),
      release: () => {
        log.push(`release ${key}`);
        return Promise.resolve();
      },
    };
    return session;
  });
  const load = (...parts: Part[]): Promise<string[]> =>
    pool.use(parts, (_, loaded) => Promise.resolve(loaded.map((one) => one.key)));
  return { pool, log, load };
}

describe('use()', () => {
  test('loads what is missing, once, and tells what it loaded', async () => {
    const { load, log } = recorded();
    expect(await load(part('a'))).toEqual(['a']);
    expect(await load(part('a'), part('b'))).toEqual(['b']);
    expect(await load(part('b'), part('a'))).toEqual([]);
    expect(log).toEqual(['open a', 'open b']);
  });

  test('shares one load among requests that come together', async () => {
    const { load, log } = recorded();
    const loaded = await Promise.all([load(part('a')), load(part('a')), load(part('a'))]);
    expect(loaded).toEqual([['a'], [], []]);
    expect(log).toEqual(['open a']);
  });

  test('gives the sessions in the order of the parts', async () => {
    const runs: string[] = [];
    const pool = new SessionPool(({ key }) =>
      Promise.resolve({
        run: () => {
          runs.push(key);
          return Promise.resolve({});
        },
        release: () => Promise.resolve(),
      }),
    );
    await pool.use([part('b')], () => Promise.resolve());
    await pool.use([part('a'), part('b'), part('c')], async (sessions) => {
      for (const session of sessions) await session.run({}, []);
    });
    expect(runs).toEqual(['a', 'b', 'c']);
  });

  test('releases the one longest unused when another needs its room', async () => {
    const { load, log } = recorded();
    await load(part('a', 20));
    await load(part('b', 20));
    await load(part('a', 20));
    await load(part('c', 20));
    expect(log).toEqual(['open a', 'open b', 'release b', 'open c']);
  });

  test('never releases what a request uses, and says so when nothing else could leave', async () => {
    const { pool, load, log } = recorded();
    await pool.use([part('a', 20), part('b', 20)], async () => {
      await expect(load(part('c', 20))).rejects.toThrow(
        'Cannot load part c now: requests in progress use the memory it needs; try again',
      );
    });
    expect(log).toEqual(['open a', 'open b']);
    expect(await load(part('c', 20))).toEqual(['c']);
    expect(log).toEqual(['open a', 'open b', 'release a', 'open c']);
  });

  test('does not release one part of a request for another part of it', async () => {
    const { load, log } = recorded();
    await load(part('a', 20));
    await load(part('b', 20));
    await load(part('a', 20), part('c', 20));
    expect(log).toEqual(['open a', 'open b', 'release b', 'open c']);
  });

  test('refuses parts that never fit together, before it reads any', async () => {
    const { load, log } = recorded();
    await expect(load(part('a', 30), part('b', 31))).rejects.toThrow(
      'Cannot load part a, part b: 61.0 MiB of graphs and weights need',
    );
    expect(log).toEqual([]);
  });

  test('forgets a failed load, tells everyone who waited, and keeps the rest', async () => {
    let broken = true;
    const { load, log } = recorded((key) => key === 'a' && broken);
    const results = await Promise.allSettled([load(part('a')), load(part('a'), part('b'))]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    broken = false;
    expect(await load(part('a'), part('b'))).toEqual(['a']);
    expect(log).toEqual(['open a', 'open b', 'open a']);
  });

  test('frees what a failing request used', async () => {
    const { pool, load, log } = recorded();
    await expect(pool.use([part('a', 40)], () => Promise.reject(new Error('failed')))).rejects.toThrow(
      'failed',
    );
    await load(part('b', 40));
    expect(log).toEqual(['open a', 'release a', 'open b']);
  });

  describe('with yielding parts', () => {
    const yielding = (pool: SessionPool, ...parts: Part[]): Promise<string[]> =>
      pool.use(parts, (_, loaded) => Promise.resolve(loaded.map((one) => one.key)), { yielding: true });

    test('loads what there is room for, and releases nothing for the rest', async () => {
      const { pool, load, log } = recorded();
      await load(part('a', 20));
      expect(await yielding(pool, part('a', 20), part('b', 20))).toEqual(['b']);
      await expect(yielding(pool, part('c', 20))).rejects.toThrow(
        'Cannot load part c: other sessions are in the memory it needs',
      );
      expect(log).toEqual(['open a', 'open b']);
    });

    test('releases them for a request, even while they run', async () => {
      const { pool, load, log } = recorded();
      await pool.use(
        [part('a', 40)],
        async () => {
          expect(await load(part('b', 40))).toEqual(['b']);
        },
        { yielding: true },
      );
      expect(log).toEqual(['open a', 'release a', 'open b']);
    });

    test('does not try again, nor release anything, when a run fills the heap', async () => {
      const { pool, load, log } = recorded();
      await load(part('a'));
      const full = (): Promise<never> => Promise.reject(new HeapFull('unavailable', 'no room'));
      await expect(pool.use([part('b')], full, { yielding: true })).rejects.toThrow('no room');
      expect(log).toEqual(['open a', 'open b']);
    });
  });

  describe('when the heap is full although the estimate had room', () => {
    const heapFull = (key: string): Error => new HeapFull('unavailable', `no room for ${key}`);

    test('releases what nobody uses and tries once more', async () => {
      let attempts = 0;
      const { load, log } = recorded((key) => key === 'c' && (attempts += 1) === 1, heapFull);
      await load(part('a'), part('b'));
      expect(await load(part('c'))).toEqual(['c']);
      expect(log).toEqual(['open a', 'open b', 'open c', 'release a', 'release b', 'open c']);
    });

    test('refuses when that does not help, or nothing can be released', async () => {
      const { pool, load, log } = recorded((key) => key === 'c', heapFull);
      await pool.use([part('a')], async () => {
        await expect(load(part('c'))).rejects.toThrow('no room for c');
      });
      await expect(load(part('c'))).rejects.toThrow('no room for c');
      expect(log).toEqual(['open a', 'open c', 'open c', 'release a', 'open c']);
      expect(await load(part('a'))).toEqual(['a']);
    });

    test('releases what nobody uses for a run, too', async () => {
      const { pool, load, log } = recorded();
      await load(part('a'));
      let runs = 0;
      const run = (): Promise<string> => {
        runs += 1;
        return runs === 1 ? Promise.reject(heapFull('b')) : Promise.resolve('answer');
      };
      expect(await pool.use([part('b')], run)).toBe('answer');
      expect(log).toEqual(['open a', 'open b', 'release a']);
      runs = 0;
      await expect(pool.use([part('b')], run)).rejects.toThrow('no room for b');
    });

    test('does not wait for loads that come after it', async () => {
      const { load, log } = recorded((key) => key === 'c', heapFull);
      await load(part('a'));
      // The first failure ends this request while its third part has yet to load.
      await expect(load(part('b'), part('c'), part('d'))).rejects.toThrow('no room for c');
      expect(await load(part('d'))).toEqual([]);
      expect(log).toContain('open d');
    });
  });
});

describe('a pool with another room', () => {
  test('keeps and releases by what that room says', async () => {
    const log: string[] = [];
    const twoMiB = {
      fits: (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0) <= 2 * MiB,
      requireFit: (what: string) => void log.push(`asked for ${what}`),
    };
    const pool = new SessionPool(({ key }) => {
      log.push(`open ${key}`);
      return Promise.resolve({
        run: () => Promise.resolve({}),
        release: () => {
          log.push(`release ${key}`);
          return Promise.resolve();
        },
      });
    }, twoMiB);
    for (const key of ['a', 'b', 'c']) await pool.use([part(key)], () => Promise.resolve());
    expect(log).toEqual([
      'asked for part a',
      'open a',
      'asked for part b',
      'open b',
      'asked for part c',
      'release a',
      'open c',
    ]);
  });
});
