import type { PageRoute } from '../../app/routes.ts';

export const routes: readonly PageRoute[] = [
  { path: '/bundles', load: () => import('./BundlesPage.tsx') },
  { path: '/bundles/:name', load: () => import('./BundlePage.tsx') },
  { path: '/bundles/:name/:version', load: () => import('./BundlePage.tsx') },
];
