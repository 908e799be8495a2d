import type { Bundle } from '../../gpu-runner/bundle/bundle.ts';
import { publishBundle, routeEndpoint } from '../../gpu-runner/runner/publish.ts';
import { makeKey } from './makeKey.ts';

/**
 * Publishes every bundle and routes the endpoints to them, each with a key that may do no more than it needs.
 *
 * @param endpoints which bundle answers each task, by endpoint
 * @returns a key that may ask for predictions
 */
export async function publishDemo(
  controlUrl: string,
  adminKey: string,
  endpoints: Readonly<Record<string, Readonly<Record<string, Bundle>>>>,
): Promise<string> {
  const access = {
    url: controlUrl,
    key: await makeKey(controlUrl, adminKey, 'demo publisher', ['read', 'write']),
  };
  for (const [endpoint, tasks] of Object.entries(endpoints)) {
    for (const bundle of new Set(Object.values(tasks))) await publishBundle(bundle, access);
    const ids = Object.fromEntries(Object.entries(tasks).map(([task, { id }]) => [task, id]));
    await routeEndpoint(endpoint, ids, access);
  }
  return makeKey(controlUrl, adminKey, 'demo client', ['infer']);
}
