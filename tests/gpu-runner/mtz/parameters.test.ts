import { expect, test } from 'vitest';
import { withParameters } from '../../../gpu-runner/mtz/parameters.ts';
import { jointGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { joined, share } from './networks.ts';
import { lenet } from './nets/lenet.ts';

test('withParameters() takes over the bias of channels that have nothing else in common', async () => {
  // Of conv1 nothing is shared, so the three channels of conv2 have only their bias from both.
  const network = await share(joined([lenet({ seed: 1 }), lenet({ seed: 2 })], 'crossed'), 'conv2', 3);
  const trained = new Map(jointGraph(network).initializers);
  const name = 'conv2.digit+fashion.bias';
  const bias = trained.get(name);
  if (bias?.dtype !== 'float32') throw new Error('there is no shared bias');
  trained.set(name, { ...bias, data: bias.data.map((value) => value + 1) });
  const after = withParameters(network, trained, (unread) => !trained.has(unread));
  const before = jointGraph(network).initializers.get(name);
  expect(jointGraph(after).initializers.get(name)?.data).toEqual(trained.get(name)?.data);
  expect(before?.data).not.toEqual(trained.get(name)?.data);
});
