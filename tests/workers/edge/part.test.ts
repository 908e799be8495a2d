import { expect, test } from 'vitest';
import { heldBytes, partBytes, partsFor } from '../../../workers/edge/part.ts';
import { digest, endpointOf, twoTaskManifest } from './fixtures.ts';

const endpoint = endpointOf(twoTaskManifest());

test('partsFor() lists the trunk once, then the heads asked for', () => {
  const [parts = [], ...others] = partsFor(endpoint, ['fashion', 'digit']);
  expect(others).toEqual([]);
  expect(parts.map((part) => part.task)).toEqual([null, 'fashion', 'digit']);
  expect(parts[0]).toMatchObject({
    key: `${digest('b')}/trunk`,
    label: 'the trunk of bundle bbbbbbbbbbbb',
    inputs: ['image'],
    outputs: ['features'],
  });
  expect(parts[1]).toMatchObject({ inputs: ['features'], outputs: ['fashion_logits'] });
  expect(partsFor(endpoint, ['digit'])[0]?.map((part) => part.task)).toEqual([null, 'digit']);
});

test('heldBytes() counts weights that are widened when they are loaded for more than they are stored with', () => {
  const [trunk] = partsFor(endpoint, ['digit'])[0] ?? [];
  const [half] = partsFor(endpointOf(twoTaskManifest({ storage: 'float16' })), ['digit'])[0] ?? [];
  if (!trunk || !half) throw new Error('no trunk');
  expect(heldBytes(trunk)).toBe(partBytes(trunk));
  expect(heldBytes(half)).toBe(4 * partBytes(half));
});

test('partsFor() leaves out a trunk that no asked head reads', () => {
  const manifest = twoTaskManifest();
  const [digit, fashion] = manifest.heads;
  if (!digit || !fashion) throw new Error('the fixture has two heads');
  const mixed = endpointOf({ ...manifest, heads: [{ ...digit, inputs: manifest.inputs }, fashion] });
  expect(partsFor(mixed, ['digit'])[0]?.map((part) => part.task)).toEqual(['digit']);
});

test('partsFor() keeps bundles apart', () => {
  const manifest = twoTaskManifest();
  const [digit, fashion] = manifest.heads;
  if (!digit || !fashion) throw new Error('the fixture has two heads');
  const tasks = new Map([
    ['digit', { name: 'digit', bundleId: digest('c'), manifest, head: digit }],
    ['fashion', { name: 'fashion', bundleId: digest('d'), manifest, head: fashion }],
  ]);
  const keys = partsFor({ ...endpoint, tasks }, ['digit', 'fashion']).map((parts) =>
    parts.map((part) => part.key),
  );
  expect(keys).toEqual([
    [`${digest('c')}/trunk`, `${digest('c')}/head/digit`],
    [`${digest('d')}/trunk`, `${digest('d')}/head/fashion`],
  ]);
});

test('partsFor() refuses a task that the endpoint does not have', () => {
  expect(() => partsFor(endpoint, ['letter'])).toThrow(
    'Unknown output "letter": pair answers digit, fashion',
  );
});

test('partBytes() counts the graph and its weights', () => {
  const [[trunk] = []] = partsFor(endpoint, ['digit']);
  expect(trunk && partBytes(trunk)).toBe(200);
});
