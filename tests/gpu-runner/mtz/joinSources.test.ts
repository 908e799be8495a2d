import { describe, expect, test } from 'vitest';
import type { InputScale } from '../../../gpu-runner/mtz/inputScale.ts';
import { joinSources, type Joined } from '../../../gpu-runner/mtz/joinSources.ts';
import { taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import type { InputAdaptation } from '../../../shared/recipe.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { answerOf, largestGap, randomInput } from './nets.ts';
import { NetBuilder } from './nets/builder.ts';

interface Options {
  readonly pad?: number;
  /** Subtracts this in the graph itself. */
  readonly mean?: number;
}

function net(seed: number, channels: number, { pad = 0, mean }: Options = {}): Graph {
  const made = new NetBuilder('net', seed);
  let x = made.input([channels, 6, 6]);
  if (mean !== undefined) x = made.node('Sub', [x, made.constant('mean', [mean], [1, 1, 1])], x.dims);
  x = made.relu(made.conv('conv1', x, 4, { pad }));
  return made.end(made.dense('fc', made.flatten(x), 3));
}

const join = (
  graphs: readonly [Graph, Graph],
  inputScale: InputScale | undefined,
  how?: InputAdaptation,
): Joined =>
  joinSources(
    [
      { task: 'first', graph: graphs[0] },
      { task: 'other', graph: graphs[1], inputScale },
    ],
    { wiring: 'one-way', batchNorm: 'fold', sparse: false, ...(how && { inputChannels: { other: how } }) },
  );

/** [N, from, 6, 6] to [N, to, 6, 6], channel by channel. */
function mapped(
  { dims, data }: Tensor<'float32'>,
  channels: number,
  of: (pixel: readonly number[], channel: number) => number,
): Tensor<'float32'> {
  const [count = 0, given = 0] = dims;
  const result = new Float32Array(count * channels * 36);
  for (let sample = 0; sample < count; sample += 1)
    for (let at = 0; at < 36; at += 1) {
      const pixel = Array.from({ length: given }, (_, c) => data[(sample * given + c) * 36 + at] ?? 0);
      for (let c = 0; c < channels; c += 1) result[(sample * channels + c) * 36 + at] = of(pixel, c);
    }
  return { dtype: 'float32', dims: [count, channels, 6, 6], data: result };
}

const perChannel: InputScale = { scale: [2, 0.5, 3], shift: [-1, 0.25, 0.5] };
const scaled = (value: number, channel: number): number =>
  (perChannel.scale[channel] ?? 0) * value + (perChannel.shift[channel] ?? 0);

describe('joinSources()', () => {
  test('joinSources() folds what a network reads in place of the samples, beside its own normalisation', async () => {
    const graph = net(2, 3, { mean: 0.3 });
    const { network, originals, notes } = join([net(1, 3), graph], perChannel);
    const input = randomInput([2, 3, 6, 6], 3);
    const expected = await answerOf(
      graph,
      mapped(input, 3, (pixel, c) => scaled(pixel[c] ?? 0, c)),
    );
    expect(largestGap(await answerOf(originals[1] ?? graph, input), expected)).toBeLessThan(1e-5);
    expect(largestGap(await answerOf(taskGraph(network, 'other'), input), expected)).toBeLessThan(1e-4);
    expect(network.topology.steps.map(({ kind }) => kind)).toEqual(['layer', 'plain', 'flatten', 'layer']);
    expect(notes).toEqual([]);
  });

  test('joinSources() says how far the border differs, and leaves it in the original', async () => {
    const graph = net(2, 3, { pad: 1 });
    const { originals, notes } = join([net(1, 3, { pad: 1 }), graph], perChannel);
    const input = randomInput([2, 3, 6, 6], 3);
    const expected = await answerOf(
      graph,
      mapped(input, 3, (pixel, c) => scaled(pixel[c] ?? 0, c)),
    );
    expect(largestGap(await answerOf(originals[1] ?? graph, input), expected)).toBeLessThan(1e-5);
    expect(notes).toEqual([
      expect.stringMatching(
        /^"other": The input normalisation of "other" is folded .* border can differ by \d/,
      ),
    ]);
  });

  test('joinSources() scales the three channels of an RGB network that reads grey', async () => {
    const graph = net(2, 3);
    const { network, originals } = join([net(1, 1), graph], perChannel, 'repeat');
    const input = randomInput([2, 1, 6, 6], 3);
    const expected = await answerOf(
      graph,
      mapped(input, 3, ([grey = 0], c) => scaled(grey, c)),
    );
    expect(largestGap(await answerOf(originals[1] ?? graph, input), expected)).toBeLessThan(1e-5);
    expect(largestGap(await answerOf(taskGraph(network, 'other'), input), expected)).toBeLessThan(1e-4);
  });

  test.each([
    ['mean', [1 / 3, 1 / 3, 1 / 3]],
    ['luma', [0.299, 0.587, 0.114]],
  ] as const)(
    'joinSources() scales the three channels that a grey network reads by %s',
    async (how, parts) => {
      const graph = net(2, 1, { mean: 0.3 });
      const { network, originals } = join([net(1, 3), graph], perChannel, how);
      const input = randomInput([2, 3, 6, 6], 3);
      const grey = mapped(input, 1, (pixel) =>
        pixel.reduce((sum, value, c) => sum + (parts[c] ?? 0) * scaled(value, c), 0),
      );
      const expected = await answerOf(graph, grey);
      expect(largestGap(await answerOf(originals[1] ?? graph, input), expected)).toBeLessThan(1e-5);
      expect(largestGap(await answerOf(taskGraph(network, 'other'), input), expected)).toBeLessThan(1e-4);
    },
  );
});
