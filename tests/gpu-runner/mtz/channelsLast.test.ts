import { describe, expect, test } from 'vitest';
import { recipe as recipeSchema } from '../../../shared/recipe.ts';
import type { Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { channelsFirst, firstOf } from '../../../gpu-runner/mtz/channelsFirst.ts';
import { onCommonInput } from '../../../gpu-runner/mtz/onCommonInput.ts';
import { readsChannelsLast } from '../../../gpu-runner/mtz/read/channelsLast.ts';
import { taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { zip, type Source } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, largestGap, randomInput } from './nets.ts';
import { randomSamples } from './networks.ts';
import { NetBuilder } from './nets/builder.ts';
import { channelsLastNet } from './nets/channelsLast.ts';
import { lenet } from './nets/lenet.ts';

const recipe = recipeSchema.parse({
  wiring: 'one-way',
  gramSamples: 24,
  retraining: { stepsPerLayer: 1, finalSteps: 1, batchSize: 8, learningRate: 0.01, distillation: 0.5 },
});
const options = { provider: 'cpu' } as const;

/** [6, 5, 3] */
const lastOf = (seed: number): Dataset => randomSamples([6, 5, 3], 24, seed);

const source = (task: string, graph: Graph, train: Dataset): Source => ({
  task,
  graph,
  train,
  validation: train,
});

const pairOf = (data: (seed: number) => Dataset): Source[] =>
  ['digit', 'fashion'].map((task, index) =>
    source(task, channelsLastNet({ seed: index + 1, rescales: index === 1 }), data(index + 5)),
  );

describe('readsChannelsLast', () => {
  test.each([false, true])(
    'readsChannelsLast() knows what TensorFlow exports, rescaled first: %s',
    (rescales) => {
      expect(readsChannelsLast(channelsLastNet({ seed: 1, rescales }))).toBe(true);
    },
  );

  test('readsChannelsLast() takes a network for what it is where only a part of it turns the input', () => {
    expect(readsChannelsLast(lenet({ seed: 1 }))).toBe(false);
    const both = channelsLastNet({ seed: 1 });
    both.addNode('Relu', ['image'], ['aside']);
    expect(readsChannelsLast(both)).toBe(false);
    const net = new NetBuilder('net', 1);
    expect(readsChannelsLast(net.end(net.dense('fc', net.input([4]), 3)))).toBe(false);
  });
});

test('channelsFirst() gives samples whose channels are last as they are once these are first', () => {
  const data = lastOf(1);
  const first = channelsFirst(data);
  expect([first.sampleDims, firstOf([6, 5, 3])]).toEqual([
    [3, 6, 5],
    [3, 6, 5],
  ]);
  const [given, made] = [data.inputs([3, 1]), first.inputs([3, 1])];
  for (const [sample, y, x, channel] of [
    [0, 0, 0, 0],
    [0, 2, 3, 1],
    [1, 5, 4, 2],
  ] as const)
    expect(made[sample * 90 + channel * 30 + y * 5 + x]).toBe(given[sample * 90 + (y * 5 + x) * 3 + channel]);
});

describe('networks that read their channels last', () => {
  test('zip() takes data of their own layout, and data with the channels first, to the same network', async () => {
    const [own, turned] = await Promise.all([
      zip(pairOf(lastOf), recipe, options),
      zip(
        pairOf((seed) => channelsFirst(lastOf(seed))),
        recipe,
        options,
      ),
    ]);
    expect(own.network.topology.input.dims).toEqual([3, 6, 5]);
    expect(own.sharing.map(({ layer }) => layer)).toEqual(['conv1', 'conv2', 'd1']);
    const input = randomInput([3, 3, 6, 5], 9);
    for (const task of ['digit', 'fashion'])
      expect(await answerOf(taskGraph(own.network, task), input)).toEqual(
        await answerOf(taskGraph(turned.network, task), input),
      );
  });

  test('zip() shares nothing of them and answers as they did, beside a network that reads the channels first', async () => {
    const net = new NetBuilder('net', 3);
    let x = net.relu(net.conv('first', net.input([3, 6, 5]), 4));
    x = net.relu(net.conv('second', x, 5));
    const other = net.end(net.dense('fc', net.relu(net.dense('hidden', net.flatten(x), 6)), 3));
    const [digit] = pairOf(lastOf);
    if (!digit) throw new Error('there is one');
    const still = recipeSchema.parse({
      ...{ wiring: 'one-way', share: { share: 0 }, gramSamples: 24 },
      retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.01 },
    });
    const letter = source('letter', other, randomSamples([3, 6, 5], 24, 8));
    const { network } = await zip([digit, letter], still, options);
    const last = lastOf(4);
    const [given, turned] = [last.inputs([0, 1]), channelsFirst(last).inputs([0, 1])];
    const answer = await answerOf(taskGraph(network, 'digit'), {
      ...{ dtype: 'float32', dims: [2, 3, 6, 5], data: turned },
    });
    const was = await answerOf(digit.graph, { dtype: 'float32', dims: [2, 6, 5, 3], data: given });
    expect(largestGap(answer, was)).toBeLessThan(1e-5);
  });

  test('zip() refuses samples that nobody can tell the layout of, and those of a network that reads them otherwise', async () => {
    const cubes = [1, 2].map((seed) =>
      source(`t${seed}`, channelsLastNet({ seed, input: [3, 3, 3] }), randomSamples([3, 3, 3], 24, seed)),
    );
    await expect(zip(cubes, recipe, options)).rejects.toThrow(
      'Cannot zip "t1": of samples [3,3,3] nobody can tell whether the channels are first or last',
    );
    const first = [1, 2].map((seed) =>
      source(`t${seed}`, lenet({ seed, input: [3, 8, 12] }), randomSamples([8, 12, 3], 24, seed)),
    );
    await expect(zip(first, recipe, options)).rejects.toThrow(
      'Cannot zip "t1": its samples are [8,12,3], the networks read [3,8,12]: their channels are last; say so where the data are described ("axes": "NHWC" of an .npz), or store them first',
    );
  });

  test.each([
    ['scaled', { inputScale: { scale: [2, 3, 4], shift: [0.5, 0, -1] } }, [3, 6, 5]],
    ['of one channel, of what others read in colour', { how: 'luma' }, [3, 6, 5]],
    ['as it is', {}, [3, 6, 5]],
  ] as const)('onCommonInput() gives such a network the input of the others, %s', async (_, more, dims) => {
    const channels = 'how' in more ? 1 : 3;
    const graph = channelsLastNet({ seed: 1, input: [6, 5, channels] });
    const whole = onCommonInput(graph, { dims, ...more });
    expect(whole.inputs[0]?.dims).toEqual(['N', ...dims]);
    const input = randomInput([2, ...dims], 3);
    const plain = { scale: [1, 1, 1], shift: [0, 0, 0], ...('inputScale' in more && more.inputScale) };
    const own = new Float32Array(2 * 30 * channels);
    for (let sample = 0; sample < 2; sample += 1)
      for (let at = 0; at < 30; at += 1) {
        const pixel = [0, 1, 2].map(
          (c) => (input.data[sample * 90 + c * 30 + at] ?? 0) * (plain.scale[c] ?? 1) + (plain.shift[c] ?? 0),
        );
        const [red = 0, green = 0, blue = 0] = pixel;
        const read = channels === 1 ? [0.299 * red + 0.587 * green + 0.114 * blue] : pixel;
        own.set(read, (sample * 30 + at) * channels);
      }
    const was = await answerOf(graph, { dtype: 'float32', dims: [2, 6, 5, channels], data: own });
    expect(largestGap(await answerOf(whole, input), was)).toBeLessThan(1e-5);
  });
});
