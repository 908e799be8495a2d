import { describe, expect, test } from 'vitest';
import { sharingRecord } from '../../../gpu-runner/mtz/sharing.ts';
import { convNet } from './nets.ts';
import { groupNamed, joined, share } from './networks.ts';

describe('sharingRecord', () => {
  test('sharingRecord() of nets that share nothing counts the same weights before and after', () => {
    const network = joined([convNet(1), convNet(2, { conv1: 6 })], 'crossed');
    expect(sharingRecord(network, groupNamed(network, 'conv2'), 0)).toEqual({
      layer: 'conv2',
      widths: { digit: 5, fashion: 5 },
      channels: [],
      own: { digit: [0, 1, 2, 3, 4], fashion: [0, 1, 2, 3, 4] },
      cost: 0,
      weights: { before: 9 * 5 * (4 + 6), after: 9 * 5 * (4 + 6) },
    });
  });

  test('sharingRecord() names the sources of shared channels only, and counts the weights stored now', async () => {
    const network = await share(joined([convNet(1), convNet(2, { conv1: 6 })], 'crossed'), 'conv1', 3);
    const record = sharingRecord(network, groupNamed(network, 'conv1'), 0.5);
    expect(record.channels).toHaveLength(3);
    expect(record.channels.every((source) => Object.keys(source).sort().join() === 'digit,fashion')).toBe(
      true,
    );
    expect(record).toMatchObject({
      cost: 0.5,
      widths: { digit: 4, fashion: 6 },
      weights: { before: 18 * 10, after: 18 * 7 },
    });
  });
});
