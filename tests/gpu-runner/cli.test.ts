import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { main } from '../../gpu-runner/cli.ts';
import { exampleReport } from './runner/exampleReport.ts';

const key = 'tl_test_secret';
let server: Server;
let url = '';
let printed: string[] = [];
let complained: string[] = [];

beforeEach(async () => {
  printed = [];
  complained = [];
  server = createServer((request, response) => {
    const known = request.url === '/v1/experiments/zip/report';
    const allowed = request.headers.authorization === `Bearer ${key}`;
    const refusal = (code: string, message: string) => JSON.stringify({ error: { code, message } });
    if (!allowed) response.writeHead(401).end(refusal('unauthenticated', 'This key is not known.'));
    else if (!known) response.writeHead(404).end(refusal('not-found', 'There is no such experiment.'));
    else response.writeHead(200).end(JSON.stringify(exampleReport()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const run = (args: string[], env: Record<string, string> = { TRUNKLINE_KEY: key }): Promise<number> =>
  main(args, {
    env,
    print: (text) => void printed.push(text),
    complain: (text) => void complained.push(text),
  });

it('trunkline report prints the table and the verdict', async () => {
  expect(await run(['report', 'zip', '--url', url])).toBe(0);
  expect(printed.join('\n')).toContain('margin 1.00: non-inferior');
  expect(printed.join('\n')).toMatch(/Verdict: Decided for merged by the rule/);
  expect(complained).toEqual([]);
});

it('trunkline report --json prints the report as it came', async () => {
  expect(await run(['report', '--json', 'zip', '--url', url])).toBe(0);
  expect(JSON.parse(printed.join('\n'))).toEqual(exampleReport());
});

it("trunkline report gives status 1 and the service's sentence when it refuses", async () => {
  expect(await run(['report', 'other', '--url', url])).toBe(1);
  expect(complained).toEqual([
    'Cannot report on experiment other: GET /v1/experiments/other/report answered 404: There is no such experiment.',
  ]);
  expect(await run(['report', 'zip', '--url', url], { TRUNKLINE_KEY: 'tl_other' })).toBe(1);
  expect(complained.at(-1)).toContain('answered 401: This key is not known.');
  expect(printed).toEqual([]);
});

it('trunkline report takes its key from the environment and nowhere else', async () => {
  expect(await run(['report', 'zip', '--url', url], {})).toBe(2);
  expect(complained[0]).toBe('Cannot report: set TRUNKLINE_KEY to an API key with scope read');
  expect(await run(['report', 'zip', '--url', url, '--key', key])).toBe(2);
});

it.each([
  [['report'], '0 experiments are named, not one'],
  [['report', 'a', 'b'], '2 experiments are named, not one'],
  [['report', 'a', '--url', 'nowhere'], '"nowhere" is not a URL'],
  [['report', 'a', '--verbose'], "Unknown option '--verbose'"],
  [['toString'], 'Cannot run "toString": there is no such command'],
])('trunkline %j gives status 2 and says how it is used', async (args, why) => {
  expect(await run(args)).toBe(2);
  expect(complained[0]).toContain(why);
  expect(complained.join('\n')).toContain('trunkline report <experiment> [--url URL] [--json]');
});

it('trunkline alone is refused, and told what there is; --help is answered', async () => {
  expect(await run([])).toBe(2);
  expect(complained.join('\n')).toContain('trunkline report <experiment>');
  expect(await run(['--help'])).toBe(0);
  expect(printed.join('\n')).toContain('trunkline report <experiment>');
});
