import type { ClientOptions } from '../../client/http.ts';

export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

type Answer = (asked: Asked) => Response | Promise<Response>;

/** Answers requests one after the other, or all by one function, and writes them down. */
export function fakeService(answers: readonly Answer[] | Answer): {
  readonly asked: Asked[];
  readonly options: ClientOptions;
} {
  const asked: Asked[] = [];
  const answer: typeof fetch = async (input, init) => {
    const request = new Request(input instanceof Request ? input : new URL(String(input)), init);
    const one = {
      method: request.method,
      url: new URL(request.url),
      headers: request.headers,
      body: new Uint8Array(await request.arrayBuffer()),
    };
    asked.push(one);
    const next = typeof answers === 'function' ? answers : answers[asked.length - 1];
    if (!next) throw new Error(`nobody expected ${one.method} ${one.url.pathname}`);
    return next(one);
  };
  return {
    asked,
    options: { url: 'http://service.test', key: 'tl_key', fetch: answer, retryDelayMs: 1 },
  };
}

export const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(value), { status, headers });

export const refusal = (status: number, code: string, message: string): Response =>
  json({ error: { code, message } }, status);
