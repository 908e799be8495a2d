import type { TrunklineClient } from '../../../../../client/client.ts';
import { ApiError } from '../../../../../client/http.ts';
import type { EndpointDetail, EndpointView } from '../../../../../shared/api.ts';

/** The endpoint, or null when there is none of that name. */
export async function findEndpoint(client: TrunklineClient, name: string): Promise<EndpointDetail | null> {
  try {
    return await client.endpoints.get(name);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

export interface Published {
  readonly endpoint: EndpointView;
  /** Takes it back: the tasks as they were, or no endpoint where there was none. */
  readonly undo: () => Promise<unknown>;
}

/** Answers tasks of an endpoint from a bundle; its other tasks stay as they are. */
export async function publish(
  client: TrunklineClient,
  name: string,
  bundle: string,
  tasks: readonly string[],
): Promise<Published> {
  const before = await findEndpoint(client, name);
  const wanted = { ...before?.tasks, ...Object.fromEntries(tasks.map((task) => [task, bundle])) };
  const endpoint = await client.endpoints.set(name, wanted, before?.revision ?? 0);
  return {
    endpoint,
    undo: () =>
      before === null
        ? client.endpoints.delete(name)
        : client.endpoints.set(name, before.tasks, endpoint.revision),
  };
}

/** The revision an endpoint would go back to: the newest before the current one that serves something else. */
export function revisionBefore({
  revision,
  tasks,
  history,
}: EndpointDetail): EndpointDetail['history'][number] | null {
  const same = (other: Readonly<Record<string, string>>): boolean =>
    JSON.stringify(Object.entries(other).toSorted()) === JSON.stringify(Object.entries(tasks).toSorted());
  return (
    history.find((one) => one.revision < revision && Object.keys(one.tasks).length > 0 && !same(one.tasks)) ??
    null
  );
}
