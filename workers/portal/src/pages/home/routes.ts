import type { PageRoute } from '../../app/routes.ts';

export const routes: readonly PageRoute[] = [{ path: '/', load: () => import('./HomePage.tsx') }];
