import {
  endpointDetail,
  endpointList,
  endpointView,
  type EndpointDetail,
  type EndpointView,
} from '../shared/api.ts';
import {
  endpointTraffic,
  trafficList,
  type EndpointTraffic,
  type TrafficList,
  type TrafficQuery,
} from '../shared/traffic.ts';
import type { HttpClient } from './http.ts';
import { allPages } from './pages.ts';

/** What is served where. */
export class EndpointsApi {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  list(): AsyncGenerator<EndpointView, void, void> {
    return allPages(async (cursor: string | null) => {
      const path = ['v1', 'endpoints'];
      const { endpoints, next } = await this.#http.read(endpointList, {
        method: 'GET',
        path,
        query: { cursor },
      });
      return { rows: endpoints, next };
    });
  }

  /** With the newest page of its history. */
  get(name: string): Promise<EndpointDetail> {
    return this.#http.read(endpointDetail, { method: 'GET', path: ['v1', 'endpoints', name] });
  }

  /**
   * Answers each task from the bundle of that id from now on.
   *
   * @param from the revision this change is made to; refused when another one came between
   */
  set(name: string, tasks: Readonly<Record<string, string>>, from?: number): Promise<EndpointView> {
    return this.#http.read(endpointView, {
      method: 'PUT',
      path: ['v1', 'endpoints', name],
      json: { tasks },
      // A repetition of a request that named the old revision and was heard would be refused.
      ...(from !== undefined && { headers: { 'if-match': `"${from}"` }, repeatable: false }),
    });
  }

  /** Requests, errors and latency over time: the last 24 hours, hour by hour, when nothing is said. */
  traffic(name: string, query: TrafficQuery = {}): Promise<EndpointTraffic> {
    const path = ['v1', 'endpoints', name, 'traffic'];
    return this.#http.read(endpointTraffic, { method: 'GET', path, query: { ...query } });
  }

  /** The same in all, of every endpoint. */
  trafficOfAll(query: TrafficQuery = {}): AsyncGenerator<TrafficList['endpoints'][number], void, void> {
    return allPages(async (cursor: string | null) => {
      const path = ['v1', 'traffic'];
      const { endpoints, next } = await this.#http.read(trafficList, {
        method: 'GET',
        path,
        query: { ...query, cursor },
      });
      return { rows: endpoints, next };
    });
  }

  delete(name: string): Promise<void> {
    return this.#http.done({ method: 'DELETE', path: ['v1', 'endpoints', name] });
  }
}
