import type { PageRoute } from '../../app/routes.ts';

export const routes: readonly PageRoute[] = [
  { path: '/merges', load: () => import('./MergesPage.tsx') },
  { path: '/merges/new', load: () => import('./NewMergePage.tsx') },
  { path: '/merge', load: () => import('./NewMergePage.tsx') },
];
