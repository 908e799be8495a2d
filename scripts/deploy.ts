/**
 * Brings both Workers to Cloudflare.
 *
 *   npm run deploy -- [--dry-run] [--sign]
 *
 * With CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID where a token sees several accounts), or after `wrangler login`.
 * Creates what is missing and may be repeated. --dry-run builds both, says what would be done and asks nobody.
 * --sign has manifests signed from now on, which is the default where nothing was deployed before: manifests that were
 * published before must be published again.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { deploy, dryRun } from './deploy/deploy.ts';
import { root, wrangler } from './deploy/wrangler.ts';

const { values: args } = parseArgs({
  options: { 'dry-run': { type: 'boolean', default: false }, sign: { type: 'boolean' } },
});
const log = (line: string): void => console.log(line);

try {
  if (args['dry-run']) {
    const { resources, migrations, sizes } = await dryRun(wrangler, async () => {
      const files = await readdir(join(root, 'migrations'));
      return files.filter((file) => file.endsWith('.sql')).length;
    });
    log('A deployment would, unless they are there, create');
    for (const name of resources.databases) log(`  D1 database ${name}, ${migrations} migrations`);
    for (const title of Object.values(resources.namespaces)) log(`  KV namespace ${title}`);
    for (const name of resources.buckets) log(`  R2 bucket ${name}`);
    for (const name of resources.queues) log(`  queue ${name}`);
    log('and deploy');
    for (const [worker, size] of Object.entries(sizes)) log(`  the ${worker} Worker, ${size}`);
    log(
      'with the secrets BOOTSTRAP_KEY_HASH and, where nothing was deployed before or with --sign, SIGNING_KEY.',
    );
  } else {
    const { urls, operatorKey } = await deploy(wrangler, { sign: args.sign, log });
    const [control = '<control>', edge = '<edge>'] = [urls.control, urls.edge];
    log(`\nThe control Worker answers at ${control}, the edge Worker at ${edge}.`);
    if (operatorKey !== null) {
      log(`The operator's key, shown this once (it makes other keys): ${operatorKey}`);
      log(
        `Next: TRUNKLINE_KEY=<that key> npx trunkline keys create --url ${control} --name me --scopes read,write,infer`,
      );
    }
    log(`Next: npx trunkline login --url ${control} --edge-url ${edge}`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(
    'Next: npm run deploy again goes on; `npx wrangler login` or CLOUDFLARE_API_TOKEN lets it in',
  );
  process.exitCode = 1;
}
