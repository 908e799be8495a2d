import type { PageRoute } from '../../app/routes.ts';

export const routes: readonly PageRoute[] = [
  { path: '/jobs', load: () => import('./JobsPage.tsx') },
  { path: '/jobs/:id', load: () => import('./JobPage.tsx') },
];
