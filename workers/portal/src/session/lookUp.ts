import { ApiError, HttpClient } from '../../../../client/http.ts';
import { itemList } from '../../../../shared/registry.ts';
import { keyList } from '../../../../shared/api.ts';

/** What a key is good for here: `operator` may manage keys and nothing else. */
export type Use = 'works' | 'operator' | 'unknown' | 'useless';

/**
 * Asks the platform.
 *
 * @param key null: whether Cloudflare Access has signed somebody in
 * @throws {ApiError} when it does not answer
 */
export async function lookUp(key: string | null): Promise<Use> {
  const http = new HttpClient({ url: location.origin, attempts: 2, ...(key !== null && { key }) });
  const refusal = async (look: Promise<unknown>): Promise<string | null> => {
    try {
      await look;
      return null;
    } catch (error) {
      if (error instanceof ApiError && (error.code === 'unauthenticated' || error.code === 'forbidden'))
        return error.code;
      throw error;
    }
  };
  const reads = await refusal(http.read(itemList, { method: 'GET', path: ['v1', 'models'] }));
  if (reads === null) return 'works';
  if (reads === 'unauthenticated') return 'unknown';
  const manages = await refusal(http.read(keyList, { method: 'GET', path: ['v1', 'keys'] }));
  return manages === null ? 'operator' : 'useless';
}
