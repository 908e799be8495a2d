import { parseArgs } from 'node:util';
import { UsageError, type Command } from './command.ts';
import { fetchReport } from './fetchReport.ts';
import { renderExperiment } from './renderExperiment.ts';

/** Where `wrangler dev` serves the control Worker. */
const defaultUrl = 'http://127.0.0.1:8787';

/** How an experiment stands. The key comes from the environment: arguments can be read by everybody on a machine. */
export const reportCommand: Command = {
  usage: '<experiment> [--url URL] [--json]',
  summary: 'how an experiment stands; the key (scope read) is taken from TRUNKLINE_KEY',
  async run(args, { env, print }) {
    const { experiment, url, json } = parse(args);
    const key = env.TRUNKLINE_KEY;
    if (!key) throw new UsageError('Cannot report: set TRUNKLINE_KEY to an API key with scope read');
    const report = await fetchReport(experiment, { url, key });
    print(json ? JSON.stringify(report, null, 2) : renderExperiment(report));
  },
};

function parse(args: readonly string[]): { experiment: string; url: string; json: boolean } {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      options: { url: { type: 'string', default: defaultUrl }, json: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
  } catch (cause) {
    throw new UsageError(`Cannot report: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  const [experiment, ...more] = parsed.positionals;
  if (experiment === undefined || more.length > 0)
    throw new UsageError(`Cannot report: ${parsed.positionals.length} experiments are named, not one`);
  if (!URL.canParse(parsed.values.url))
    throw new UsageError(`Cannot report: "${parsed.values.url}" is not a URL`);
  return { experiment, ...parsed.values };
}
