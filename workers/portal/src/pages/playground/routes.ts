import type { PageRoute } from '../../app/routes.ts';

export const routes: readonly PageRoute[] = [
  { path: '/playground', load: () => import('./PlaygroundPage.tsx') },
];
