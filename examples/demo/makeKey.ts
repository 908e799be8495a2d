import { createdKey } from '../../shared/api.ts';
import type { Scope } from '../../shared/keys.ts';

/** A new API key that may do this much. @throws {Error} with the service's sentence when it makes none */
export async function makeKey(
  controlUrl: string,
  adminKey: string,
  name: string,
  scopes: readonly Scope[],
): Promise<string> {
  const response = await fetch(`${controlUrl}/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name, scopes }),
  });
  if (!response.ok) throw new Error(`Cannot make a key: ${response.status} ${await response.text()}`);
  return createdKey.parse(await response.json()).key;
}
