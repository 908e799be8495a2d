import { describe, expect, it } from 'vitest';
import { mayPass, PassingError, reasonOf, retry, retryAfterMs } from '../../../gpu-runner/runner/retry.ts';

const fast = { delayMs: 1, maxDelayMs: 2 };

describe('retry()', () => {
  it('does it again while trouble may pass', async () => {
    let tries = 0;
    const answer = await retry(() => {
      tries += 1;
      return tries < 4 ? Promise.reject(new PassingError('busy')) : Promise.resolve('there');
    }, fast);
    expect([answer, tries]).toEqual(['there', 4]);
  });

  it('gives up after so many tries and says how many', async () => {
    let tries = 0;
    const cause = new Error('reset');
    const failing = retry(
      () => {
        tries += 1;
        return Promise.reject(new PassingError('GET x did not arrive', { cause }));
      },
      { ...fast, attempts: 3 },
    );
    await expect(failing).rejects.toThrow('GET x did not arrive (tried 3 times)');
    await expect(failing).rejects.toHaveProperty('cause.cause', cause);
    expect(tries).toBe(3);
  });

  it('throws at once what will not pass', async () => {
    let tries = 0;
    const failing = retry(() => {
      tries += 1;
      return Promise.reject(new Error('forbidden'));
    }, fast);
    await expect(failing).rejects.toThrow(/^forbidden$/);
    expect(tries).toBe(1);
  });

  it('waits as long as the service asks', async () => {
    const stop = new AbortController();
    let tries = 0;
    const waiting = retry(
      () => {
        tries += 1;
        return Promise.reject(new PassingError('busy', { retryAfterMs: 60_000 }));
      },
      { ...fast, signal: stop.signal },
    );
    setTimeout(() => stop.abort(new Error('enough')), 30);
    await expect(waiting).rejects.toThrow('enough');
    expect(tries).toBe(1);
  });

  it('ends its wait when it is aborted', async () => {
    const stop = new AbortController();
    const failing = retry(
      () => {
        queueMicrotask(() => stop.abort(new Error('enough')));
        return Promise.reject(new PassingError('busy'));
      },
      { delayMs: 60_000, maxDelayMs: 60_000, signal: stop.signal },
    );
    await expect(failing).rejects.toThrow('enough');
  });
});

describe('what may pass', () => {
  it('is a gateway, an overload, a bug behind a balancer; not a refusal', () => {
    expect([408, 429, 500, 502, 503, 504].every(mayPass)).toBe(true);
    expect([400, 401, 403, 404, 409, 411, 413, 422, 501].some(mayPass)).toBe(false);
  });

  it('is told by Retry-After in seconds, a minute at most', () => {
    const after = (value: string): number | undefined => retryAfterMs(new Headers({ 'retry-after': value }));
    expect([after('2'), after('3600'), after('soon'), retryAfterMs(new Headers())]).toEqual([
      2000,
      60_000,
      undefined,
      undefined,
    ]);
  });

  it('has the reason inside the error that fetch throws', () => {
    expect(reasonOf(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }))).toBe(
      'connect ECONNREFUSED',
    );
    expect(reasonOf(Object.assign(new Error(''), { code: 'ECONNRESET' }))).toBe('ECONNRESET');
    expect(reasonOf('what')).toBe('what');
  });
});
