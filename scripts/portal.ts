/**
 * The portal with hot reload, for who works on it; the platform that `npm start` brought up answers what it asks for.
 *
 *   npm run portal [-- --url http://127.0.0.1:8787]
 */
import { parseArgs } from 'node:util';
import { createServer } from 'vite';
import { portalConfig, servicePaths } from './portal-config.ts';

const { values: args } = parseArgs({
  options: { url: { type: 'string', default: 'http://127.0.0.1:8787' } },
});
const server = await createServer({
  ...portalConfig,
  server: {
    host: '127.0.0.1',
    port: 5173,
    proxy: Object.fromEntries(servicePaths.map((path) => [path, args.url])),
  },
});
await server.listen();
server.printUrls();
