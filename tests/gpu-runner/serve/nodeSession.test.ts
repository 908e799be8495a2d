import { expect, test } from 'vitest';
import { openNodeSession } from '../../../gpu-runner/serve/nodeSession.ts';
import type { BundleFile } from '../../../shared/manifest.ts';
import type { Part } from '../../../workers/edge/part.ts';
import { separateBundle } from '../../flows/edge-bundles.ts';
import { reference, samples } from '../../flows/edge-requests.ts';

const bundle = separateBundle('digit');
const load = ({ path }: BundleFile): Promise<Uint8Array> =>
  Promise.resolve(bundle.files.get(path) ?? new Uint8Array(0));

function part(changes: Partial<Part> = {}): Part {
  const [head] = bundle.manifest.heads;
  const file = (path = ''): BundleFile => {
    const found = bundle.manifest.files.find((one) => one.path === path);
    if (!found) throw new Error(`no file ${path}`);
    return found;
  };
  return {
    key: 'k',
    label: 'head "digit"',
    task: 'digit',
    graph: file(head?.graph),
    weights: (head?.weights ?? []).map(file),
    widens: false,
    inputs: ['x'],
    outputs: ['digit_logits'],
    ...changes,
  };
}

test('openNodeSession() computes what the whole network does, and can be released twice', async () => {
  const session = await openNodeSession(part(), load, { provider: 'cpu', threads: 1 });
  const inputs = samples(3);
  const feeds = { x: { dtype: 'float32', dims: [3, 4], data: inputs } } as const;
  const { digit_logits: output } = await session.run(feeds, ['digit_logits']);
  const expected = await reference('digit', inputs);
  expect(Array.from(output?.data as Float32Array)).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(output?.data[i]).toBeCloseTo(value, 5);
  await session.release();
  await session.release();
});

test('openNodeSession() refuses a graph that lacks what the manifest names', async () => {
  await expect(openNodeSession(part({ outputs: ['other'] }), load, { provider: 'cpu' })).rejects.toThrow(
    'Cannot load head "digit": the manifest names other, which digit.onnx does not have',
  );
});

test('run() says that it is the inputs when they do not fit', async () => {
  const session = await openNodeSession(part(), load, { provider: 'cpu', threads: 1 });
  const feeds = { x: { dtype: 'float32', dims: [1, 5], data: new Float32Array(5) } } as const;
  await expect(session.run(feeds, ['digit_logits'])).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(/^Cannot run head "digit" on these inputs: /) as string,
  });
  await session.release();
});
