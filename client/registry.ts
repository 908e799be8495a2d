import {
  aliasHistory,
  aliasView,
  inspectionView,
  itemList,
  itemView,
  lineageView,
  registeredVersion,
  versionList,
  versionView,
  type AliasView,
  type ItemList,
  type ItemView,
  type Kind,
  type LineageView,
  type RegisteredVersion,
  type registerRequests,
  type VersionView,
} from '../shared/registry.ts';
import type { Inspection } from '../shared/inspection.ts';
import type { z } from 'zod';
import type { HttpClient } from './http.ts';
import { allPages } from './pages.ts';

/** The named items of one kind: models, data sets or bundles. A `ref` is a version number, an alias or "latest". */
export class Registry<K extends Kind> {
  readonly kind: K;
  readonly #http: HttpClient;

  constructor(http: HttpClient, kind: K) {
    this.#http = http;
    this.kind = kind;
  }

  /** @param q keeps names and tags that contain it */
  list(q?: string): AsyncGenerator<ItemList['items'][number], void, void> {
    return allPages(async (cursor: string | null) => {
      const query = { q, cursor };
      const { items, next } = await this.#http.read(itemList, { method: 'GET', path: this.#path(), query });
      return { rows: items, next };
    });
  }

  get(name: string): Promise<ItemView> {
    return this.#http.read(itemView, { method: 'GET', path: this.#path(name) });
  }

  /** Newest first. */
  versions(name: string): AsyncGenerator<VersionView, void, void> {
    return allPages(async (cursor: number | null) => {
      const path = this.#path(name, 'versions');
      const { versions, next } = await this.#http.read(versionList, {
        method: 'GET',
        path,
        query: { cursor },
      });
      return { rows: versions, next };
    });
  }

  version(name: string, ref: string | number = 'latest'): Promise<VersionView> {
    return this.#http.read(versionView, { method: 'GET', path: this.#path(name, 'versions', ref) });
  }

  /** The next version, when all its blobs are there; the same document again is the same version. */
  register(name: string, document: z.input<(typeof registerRequests)[K]>): Promise<RegisteredVersion> {
    return this.#http.read(registeredVersion, {
      method: 'POST',
      path: this.#path(name, 'versions'),
      json: document,
      repeatable: true,
    });
  }

  deleteVersion(name: string, version: number): Promise<void> {
    return this.#http.done({ method: 'DELETE', path: this.#path(name, 'versions', version) });
  }

  lineage(name: string, ref: string | number = 'latest'): Promise<LineageView> {
    return this.#http.read(lineageView, {
      method: 'GET',
      path: this.#path(name, 'versions', ref, 'lineage'),
    });
  }

  /** What a runner read of the version; null until one has. */
  async inspection(
    name: string,
    ref: string | number = 'latest',
  ): Promise<{ at: string; document: Inspection } | null> {
    const path = this.#path(name, 'versions', ref, 'inspection');
    return (await this.#http.read(inspectionView, { method: 'GET', path })).inspection;
  }

  setAlias(name: string, alias: string, version: number): Promise<AliasView> {
    const path = this.#path(name, 'aliases', alias);
    return this.#http.read(aliasView, { method: 'PUT', path, json: { version } });
  }

  removeAlias(name: string, alias: string): Promise<void> {
    return this.#http.done({ method: 'DELETE', path: this.#path(name, 'aliases', alias) });
  }

  /** Newest first. */
  aliasHistory(name: string, alias: string): AsyncGenerator<AliasView, void, void> {
    return allPages(async (cursor: number | null) => {
      const path = this.#path(name, 'aliases', alias, 'history');
      const { history, next } = await this.#http.read(aliasHistory, {
        method: 'GET',
        path,
        query: { cursor },
      });
      return { rows: history, next };
    });
  }

  setTags(name: string, tags: Readonly<Record<string, string>>): Promise<ItemView> {
    return this.#http.read(itemView, { method: 'PUT', path: this.#path(name, 'tags'), json: { tags } });
  }

  /** @param card Markdown */
  setCard(name: string, card: string): Promise<ItemView> {
    return this.#http.read(itemView, { method: 'PUT', path: this.#path(name, 'card'), json: { card } });
  }

  #path(...rest: (string | number)[]): (string | number)[] {
    return ['v1', this.kind, ...rest];
  }
}
