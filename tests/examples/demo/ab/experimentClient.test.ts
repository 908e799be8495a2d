import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ExperimentClient } from '../../../../examples/demo/ab/experimentClient.ts';
import { outcomesRequest, type Outcome, type OutcomesReply } from '../../../../shared/experiment-api.ts';

let server: Server;
let client: ExperimentClient;
let told: { readonly key: string | undefined; readonly outcomes: number }[] = [];
let reply: OutcomesReply;

beforeEach(async () => {
  told = [];
  reply = { accepted: 1, repeated: 0, contradicted: [] };
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = outcomesRequest.parse(JSON.parse(Buffer.concat(chunks).toString()));
      told.push({
        key: request.headers.authorization,
        outcomes: 'outcomes' in body ? body.outcomes.length : 1,
      });
      response.end(JSON.stringify(reply));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new ExperimentClient({ url, key: 'experimenter' }, { url, key: 'judge' });
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const outcomes = (count: number): Outcome[] =>
  Array.from({ length: count }, (_, i) => ({ requestId: `r${i}`, task: 'digit', truth: [1, 2] }));

it('ExperimentClient tells outcomes in bulks that the service takes, with the key for outcomes', async () => {
  await client.tell(outcomes(2100));
  expect(told).toEqual([
    { key: 'Bearer judge', outcomes: 1000 },
    { key: 'Bearer judge', outcomes: 1000 },
    { key: 'Bearer judge', outcomes: 100 },
  ]);
  await client.tell([]);
  expect(told).toHaveLength(3);
});

it('ExperimentClient refuses to go on with truths that contradict each other', async () => {
  reply = { accepted: 0, repeated: 1, contradicted: [0] };
  await expect(client.tell(outcomes(1))).rejects.toThrow('Cannot tell outcomes: 1 contradict earlier ones');
});
