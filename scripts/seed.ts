/**
 * Puts the examples into a platform that runs somewhere: two networks, their data, and an endpoint that serves the networks
 * as they are. May be repeated.
 *
 *   TRUNKLINE_KEY=<key with the scopes read and write> npm run seed -- --url URL
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seed, seededEndpoint } from './start/seed.ts';

const { values: args } = parseArgs({
  options: { url: { type: 'string', default: 'http://127.0.0.1:8787' } },
});
const key = process.env.TRUNKLINE_KEY;
const folder = await mkdtemp(join(tmpdir(), 'trunkline-seed-'));
try {
  if (key === undefined) throw new Error('Cannot put the examples in: TRUNKLINE_KEY is not set');
  await seed({ url: args.url, key, folder, log: (line) => console.log(line) });
  console.log(`The examples are at ${args.url}; the endpoint "${seededEndpoint}" serves them.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
