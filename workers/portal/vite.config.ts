import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** `npm run portal` serves the page with hot reload; what it asks for goes to the platform that `npm start` brought up. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react()],
  // Nothing may lie in the page itself: the policy allows no inline content.
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
  server: {
    port: 5173,
    host: '127.0.0.1',
    proxy: Object.fromEntries(
      ['/v1', '/v2', '/health', '/openapi.json', '/docs'].map((path) => [
        path,
        process.env.TRUNKLINE_URL ?? 'http://127.0.0.1:8787',
      ]),
    ),
  },
});
