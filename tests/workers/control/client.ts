import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { createdKey } from '../../../shared/api.ts';
import { generateKey, hashKey, type Scope } from '../../../shared/keys.ts';
import { app } from '../../../workers/control/app.ts';
import type { Env } from '../../../workers/control/env.ts';

/** The operator's first key, and the Worker's bindings that know it. */
export const bootstrap = generateKey().key;
export const bindings: Env = { ...env, BOOTSTRAP_KEY_HASH: await hashKey(bootstrap) };

export interface Call {
  key?: string;
  json?: unknown;
  body?: Uint8Array<ArrayBuffer> | string;
  headers?: Record<string, string>;
  /** Bindings other than the usual ones, e.g. broken. */
  bindings?: { [Name in keyof Env]?: Env[Name] | undefined };
}

/** Sends a request as a client would: with the length of its body. */
export async function call(method: string, path: string, options: Call = {}): Promise<Response> {
  const body = options.json === undefined ? options.body : JSON.stringify(options.json);
  const length = typeof body === 'string' ? new TextEncoder().encode(body).length : body?.length;
  const headers = {
    ...(options.key === undefined ? {} : { Authorization: `Bearer ${options.key}` }),
    ...(length === undefined ? {} : { 'Content-Length': String(length) }),
    ...options.headers,
  };
  return app.request(
    path,
    { method, headers, ...(body === undefined ? {} : { body }) },
    { ...bindings, ...options.bindings },
  );
}

/** Status and body in one, for comparing. */
export async function answer(method: string, path: string, options?: Call): Promise<[number, unknown]> {
  const response = await call(method, path, options);
  const text = await response.text();
  return [response.status, text === '' ? null : JSON.parse(text)];
}

export async function makeKey(...scopes: Scope[]): Promise<{ id: string; key: string }> {
  const response = await call('POST', '/v1/keys', {
    key: bootstrap,
    json: { name: scopes.join(' '), scopes },
  });
  return createdKey.parse(await response.json());
}

export const refusal = (code: string, message: string | RegExp): unknown => ({
  error: {
    code,
    message: typeof message === 'string' ? message : (expect.stringMatching(message) as unknown),
  },
});
