import type { PageRoute } from '../../app/routes.ts';

export const routes: readonly PageRoute[] = [
  { path: '/experiments', load: () => import('./ExperimentsPage.tsx') },
  { path: '/experiments/new', load: () => import('./NewExperimentPage.tsx') },
  { path: '/experiments/:name', load: () => import('./ExperimentPage.tsx') },
];
