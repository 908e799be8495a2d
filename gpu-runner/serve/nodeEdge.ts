import { totalmem } from 'node:os';
import type { Hono } from 'hono';
import { TrunklineError } from '../../shared/errors.ts';
import { createApp } from '../../workers/edge/app.ts';
import { Keys } from '../../workers/edge/auth.ts';
import type { Room } from '../../workers/edge/backend.ts';
import { Endpoints } from '../../workers/edge/endpoint.ts';
import { inMiB } from '../../workers/edge/limits.ts';
import { loadFile } from '../../workers/edge/loader.ts';
import { SessionPool } from '../../workers/edge/pool.ts';
import { Shadows } from '../../workers/edge/shadow.ts';
import { Traffic } from '../../workers/edge/traffic.ts';
import type { Published } from '../../workers/store/published.ts';
import { openNodeSession, type NodeSessionOptions } from './nodeSession.ts';

export interface NodeEdgeOptions extends NodeSessionOptions {
  /** Whether a request needs a key that is published. */
  readonly keys: 'required' | 'none';
  /** Graphs and weights that may be loaded at a time, in bytes; half of the machine's memory when left out. */
  readonly memoryBytes?: number;
}

/**
 * The edge's own routes, decoding, errors and replies, over the native ONNX Runtime in this process. What the platform
 * would be told about each request (exposures, counts) is told to nobody.
 */
export function createNodeEdge(published: Published, options: NodeEdgeOptions): Hono {
  const endpoints = new Endpoints(published);
  const pool = new SessionPool(
    (part) => openNodeSession(part, (file) => loadFile(published.bundles, file), options),
    nodeRoom(options.memoryBytes ?? totalmem() / 2),
  );
  const traffic = new Traffic();
  return createApp({
    published,
    keys:
      options.keys === 'required' ? new Keys(published.routing) : { require: () => Promise.resolve(null) },
    endpoints,
    pool,
    traffic,
    shadows: new Shadows(pool, endpoints, traffic),
    exposures: { add: () => Promise.resolve() },
    counter: { count: () => Promise.resolve() },
    // The native runtime keeps no heap of its own: the process is the isolate.
    heapBytes: () => Promise.resolve(process.memoryUsage.rss()),
  });
}

/** The memory of a Node process: as much as it is given. */
export function nodeRoom(memoryBytes: number): Room {
  const total = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);
  const fits = (sizes: readonly number[]): boolean => total(sizes) <= memoryBytes;
  return {
    fits,
    requireFit(what, sizes) {
      if (fits(sizes)) return;
      throw new TrunklineError(
        'unavailable',
        `Cannot load ${what}: it has ${inMiB(total(sizes))} of graphs and weights, the limit is ${inMiB(memoryBytes)}`,
      );
    },
  };
}
