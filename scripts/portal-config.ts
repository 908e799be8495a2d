import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import type { InlineConfig } from 'vite';

/** The page's folder. */
export const portalFolder = fileURLToPath(new URL('../workers/portal/', import.meta.url));

/** What the page asks its own origin for; everything else is the page itself. */
export const servicePaths = ['/v1', '/v2', '/health', '/openapi.json', '/docs'] as const;

/** How Vite builds and serves the page. */
export const portalConfig: InlineConfig = {
  configFile: false,
  root: portalFolder,
  plugins: [react()],
  build: {
    target: 'es2023',
    // The policy allows no inline content.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
};
