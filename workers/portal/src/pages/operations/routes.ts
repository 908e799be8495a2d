import type { PageRoute } from '../../app/routes.ts';

export const routes: readonly PageRoute[] = [
  { path: '/operations', load: () => import('./OperationsPage.tsx') },
  { path: '/operations/endpoints/:name', load: () => import('./EndpointPage.tsx') },
];
