import type { ComponentType } from 'react';

/** A page's component; `params` are the named parts of its path. */
export type PageComponent = ComponentType<{ readonly params: Readonly<Record<string, string>> }>;

/** One page. Each folder of `pages/` has a `routes.ts` that exports `routes`: they are found by themselves. */
export interface PageRoute {
  /** As wouter reads it: "/models/:name". The first route that fits is taken, longer paths first. */
  readonly path: string;
  /** The page's code, which is loaded when somebody goes there. */
  readonly load: () => Promise<{ default: PageComponent }>;
}

const found = import.meta.glob<{ routes: readonly PageRoute[] }>('../pages/*/routes.ts', { eager: true });

const segments = ({ path }: PageRoute): number => path.split('/').length;
const wild = ({ path }: PageRoute): number => path.split(':').length;

/** All pages; of those that fit an address the most specific one comes first. */
export const routes: readonly PageRoute[] = Object.values(found)
  .flatMap((module) => module.routes)
  .toSorted((a, b) => segments(b) - segments(a) || wild(a) - wild(b));
