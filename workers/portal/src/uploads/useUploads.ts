import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import type { TrunklineClient } from '../../../../client/client.ts';
import { useApi } from '../api/ApiContext.tsx';
import { session } from '../session/session.ts';
import type { UploadItem } from './item.ts';
import { UploadQueue } from './UploadQueue.ts';

const queues = new WeakMap<TrunklineClient, UploadQueue>();

function queueOf(client: TrunklineClient): UploadQueue {
  const known = queues.get(client);
  if (known !== undefined) return known;
  const queue = new UploadQueue(client);
  queues.set(client, queue);
  const forget = session.subscribe(() => {
    if (session.get() !== null) return;
    forget();
    queue.close();
  });
  return queue;
}

/** The uploads of one kind, and the queue that does them. Lists are read anew whenever one is done. */
export function useUploads(kind: UploadItem['kind']): { queue: UploadQueue; items: readonly UploadItem[] } {
  const { client } = useApi();
  const queue = queueOf(client);
  const all = useSyncExternalStore(queue.subscribe, queue.items);
  const items = all.filter((item) => item.kind === kind);
  const done = items.filter(({ state }) => state === 'done').length;
  const queries = useQueryClient();
  useEffect(() => {
    if (done > 0) void queries.invalidateQueries({ queryKey: [kind] });
  }, [done, kind, queries]);
  return { queue, items };
}
