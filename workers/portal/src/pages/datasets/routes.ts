import type { PageRoute } from '../../app/routes.ts';

export const routes: readonly PageRoute[] = [
  { path: '/datasets', load: () => import('./DatasetsPage.tsx') },
  { path: '/datasets/:name', load: () => import('./DatasetPage.tsx') },
];
