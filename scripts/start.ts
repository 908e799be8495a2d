/**
 * The whole platform on this machine: both Workers, a runner, the examples. Ctrl-C stops it, another start goes on.
 *
 *   npm start -- [--port N] [--folder FOLDER] [--fresh]
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Home } from './start/home.ts';
import { seededEndpoint } from './start/seed.ts';
import { start, type Started } from './start/start.ts';

const { values: args } = parseArgs({
  options: {
    port: { type: 'string', default: '8787' },
    folder: { type: 'string', default: '.trunkline' },
    fresh: { type: 'boolean', default: false },
  },
});
const log = (line: string): void => console.log(line);

let started: Promise<Started> | undefined;
const state = { stopping: false };
const end = (): void => {
  if (state.stopping) process.exit(130);
  state.stopping = true;
  log('\nStopping (once more ends at once)');
  // What is still starting is stopped when it is up: nothing is left behind.
  void Promise.resolve(started)
    .then((platform) => platform?.stop())
    .then(
      () => process.exit(0),
      () => process.exit(1),
    );
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

try {
  const port = Number(args.port);
  if (!/^\d+$/.test(args.port) || port > 65_534) throw new Error(`Cannot start: "${args.port}" is no port`);
  const home = await Home.open(resolve(args.folder), args.fresh);
  started = start({ home, port, log });
  const { controlUrl, edgeUrl, key } = await started;
  const elsewhere = port === 8787 ? '' : ` --url ${controlUrl} --edge-url ${edgeUrl}`;
  log(
    [
      '',
      `Trunkline runs at ${controlUrl} (inference at ${edgeUrl}).`,
      `Key with every scope: ${key}`,
      `Open ${controlUrl} in a browser and sign in with it.`,
      '',
      'Next, in another terminal:',
      `  npx trunkline login${elsewhere}      (asks for the key)`,
      '  npx trunkline ls',
      '  npx trunkline merge both --source digit=digit,digit-data --source fashion=fashion,fashion-data \\',
      '    --steps-per-layer 30 --final-steps 100 --endpoint both --publish',
      `  npx trunkline infer ${seededEndpoint} <image>`,
      '',
      'Press Ctrl-C to stop.',
    ].join('\n'),
  );
} catch (error) {
  if (!state.stopping) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
