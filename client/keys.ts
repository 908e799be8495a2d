import { createdKey, keyList, type CreatedKey, type CreateKeyRequest, type KeyView } from '../shared/api.ts';
import type { HttpClient } from './http.ts';
import { allPages } from './pages.ts';

/** API keys; the scope admin is needed. */
export class KeysApi {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /** The reply is the only one that holds the key itself. */
  create(request: CreateKeyRequest): Promise<CreatedKey> {
    return this.#http.read(createdKey, { method: 'POST', path: ['v1', 'keys'], json: request });
  }

  list(): AsyncGenerator<KeyView, void, void> {
    return allPages(async (cursor: number | null) => {
      const { keys, next } = await this.#http.read(keyList, {
        method: 'GET',
        path: ['v1', 'keys'],
        query: { cursor },
      });
      return { rows: keys, next };
    });
  }

  revoke(id: string): Promise<void> {
    return this.#http.done({ method: 'DELETE', path: ['v1', 'keys', id] });
  }
}
