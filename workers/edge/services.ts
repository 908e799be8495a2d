import type { Published } from '../store/published.ts';
import type { Keys } from './auth.ts';
import type { Endpoints } from './endpoint.ts';
import type { ExposureQueue } from './exposure-queue.ts';
import type { SessionPool } from './pool.ts';
import type { Shadows } from './shadow.ts';
import type { Traffic } from './traffic.ts';
import type { TrafficCounter } from './traffic-counter.ts';

/** What an isolate keeps between requests; what answers the same requests elsewhere brings its own. */
export interface Services {
  readonly published: Published;
  readonly keys: Pick<Keys, 'require'>;
  readonly endpoints: Endpoints;
  readonly pool: SessionPool;
  readonly traffic: Traffic;
  readonly shadows: Shadows;
  readonly exposures: Pick<ExposureQueue, 'add'>;
  readonly counter: Pick<TrafficCounter, 'count'>;
  /** Starts ONNX Runtime, or throws; answers the bytes of its heap. */
  readonly heapBytes: () => Promise<number>;
}
