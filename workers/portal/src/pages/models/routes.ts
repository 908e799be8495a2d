import type { PageRoute } from '../../app/routes.ts';

export const routes: readonly PageRoute[] = [
  { path: '/models', load: () => import('./ModelsPage.tsx') },
  { path: '/models/:name', load: () => import('./ModelPage.tsx') },
];
