import { describe, expect, test } from 'vitest';
import { cholesky, choleskySolve } from '../../../gpu-runner/linalg/cholesky.ts';
import { matrix, plus, row, transpose, type Matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { weightsOf } from '../../../gpu-runner/mtz/mergeBlocks.ts';
import { blockOf, inputBlocks, layerAt, type Block, type Network } from '../../../gpu-runner/mtz/network.ts';
import { gramOfBlocks } from '../../../gpu-runner/mtz/taskGram.ts';
import { servingGraphs, taskGraph } from '../../../gpu-runner/mtz/wiring.ts';
import { zipBlocks } from '../../../gpu-runner/mtz/zipBlocks.ts';
import { largestDifference, product } from '../linalg/samples.ts';
import { answerOf, convNet, denseNet, largestGap, outputsOf, randomInput } from './nets.ts';
import { gramsOf, joined, share } from './networks.ts';
import { loss, oneRow } from './samples.ts';

function block(network: Network, index: number, tasks: number): Block {
  const found = blockOf(layerAt(network, index), tasks);
  if (!found) throw new Error(`no block ${tasks}`);
  return found;
}

const nets = {
  conv: [convNet(1), convNet(2, { conv1: 5, conv2: 4 })],
  dense: [denseNet(1), denseNet(2, { fc1: 7, fc2: 9 })],
};

/** For each pair: the least loss over all weights on the kept inputs, from the definition, and the weights that have it. */
async function leastLosses(
  network: Network,
  index: number,
  pairs: readonly { a: number; b: number }[],
  kept: readonly number[],
) {
  const grams = await gramsOf(network, index);
  const sides = [1, 2].map((tasks, task) => {
    const own = block(network, index, tasks);
    const inputs = inputBlocks(network, index).filter((input) => own.edges.has(input.tasks));
    const gram = gramOfBlocks(grams.slice(task, task + 1), inputs);
    // Row k is where kept input k lies among this side's inputs; the bias is kept as well.
    const places: number[] = [];
    let start = 0;
    for (const input of [...inputs, { tasks: 0, columns: 1 }]) {
      if (kept.includes(input.tasks) || input.tasks === 0)
        for (let k = 0; k < input.columns; k += 1) places.push(start + k);
      start += input.columns;
    }
    const embed = matrix(start, places.length);
    places.forEach((place, k) => (embed.data[place * places.length + k] = 1));
    return { weights: weightsOf(own, inputs), gram, embed };
  });
  return Promise.all(
    pairs.map(async (pair) => {
      const parts = sides.map(({ weights, gram, embed }, side) => ({
        ...{ gram, embed, target: oneRow(weights, side === 0 ? pair.a : pair.b) },
        square: product(product(transpose(embed), gram), embed),
      }));
      const [one, other] = parts;
      if (!one || !other) throw new Error('two sides');
      const pull = (side: typeof one): Matrix =>
        product(product(transpose(side.embed), side.gram), transpose(side.target));
      const w = await choleskySolve(
        await cholesky(plus(one.square, other.square)),
        plus(pull(one), pull(other)),
      );
      const lossOf = (side: typeof one): number =>
        loss(transpose(product(side.embed, w)), side.target, side.gram);
      return { weights: transpose(w), loss: lossOf(one) + lossOf(other) };
    }),
  );
}

describe.each(['conv', 'dense'] as const)('zipBlocks of %s nets', (family) => {
  test.each(['crossed', 'one-way'] as const)(
    'a pair costs the least loss there is, and gets the weights that have it (%s, first layer)',
    async (wiring) => {
      const network = joined(nets[family], wiring);
      const grams = await gramsOf(network, 0);
      const zipped = await zipBlocks(network, 0, [1, 2], { count: 3, matching: 'optimal', grams });
      const expected = await leastLosses(network, 0, zipped.pairs, [3]);
      zipped.pairs.forEach(({ cost }, index) => expect(cost).toBeCloseTo(expected[index]?.loss ?? NaN, 8));
      const merged = block(zipped.network, 0, 3);
      const weights = weightsOf(merged, inputBlocks(network, 0));
      expected.forEach((least, index) =>
        expect(largestDifference(oneRow(weights, index), least.weights)).toBeLessThan(1e-6),
      );
    },
  );

  test('one-way, inputs that are dropped are part of the cost and absorbed by those that stay', async () => {
    const network = await share(joined(nets[family], 'one-way'), 0, 1, 2, 3);
    const grams = await gramsOf(network, 1);
    const zipped = await zipBlocks(network, 1, [1, 2], { count: 2, matching: 'optimal', grams });
    const expected = await leastLosses(network, 1, zipped.pairs, [3]);
    zipped.pairs.forEach(({ cost }, index) => expect(cost).toBeCloseTo(expected[index]?.loss ?? NaN, 8));
    const merged = block(zipped.network, 1, 3);
    expect([...merged.edges.keys()]).toEqual([3]);
    const weights = weightsOf(
      merged,
      inputBlocks(zipped.network, 1).filter(({ tasks }) => tasks === 3),
    );
    expected.forEach((least, index) =>
      expect(largestDifference(oneRow(weights, index), least.weights)).toBeLessThan(1e-5),
    );
    expect([...block(zipped.network, 1, 1).edges.keys()].sort()).toEqual([1, 3]);
  });

  test('crossed, weights on own inputs are kept as they are', async () => {
    const network = await share(joined(nets[family], 'crossed'), 0, 1, 2, 3);
    const grams = await gramsOf(network, 1);
    const zipped = await zipBlocks(network, 1, [1, 2], { count: 2, matching: 'greedy', grams });
    const merged = block(zipped.network, 1, 3);
    expect([...merged.edges.keys()].sort()).toEqual([1, 2, 3]);
    zipped.pairs.forEach(({ a, b }, index) => {
      for (const [tasks, channel] of [
        [1, a],
        [2, b],
      ] as const) {
        const old = block(network, 1, tasks).edges.get(tasks) ?? matrix(0, 0);
        expect(row(merged.edges.get(tasks) ?? matrix(0, 0), index)).toEqual(row(old, channel));
      }
    });
  });
});

describe('zipBlocks', () => {
  test('three nets zipped in one after the other have the weights of the joint optimum', async () => {
    const network = joined([denseNet(1), denseNet(2), denseNet(3)], 'crossed');
    const grams = await gramsOf(network, 0);
    const options = { count: 8, matching: 'optimal', grams } as const;
    const two = await zipBlocks(network, 0, [1, 2], options);
    const { network: three } = await zipBlocks(two.network, 0, [3, 4], options);
    const merged = block(three, 0, 7);
    const inputs = inputBlocks(network, 0);
    const total = gramOfBlocks(grams, inputs);
    const weights = weightsOf(merged, inputs);
    merged.sources.forEach((source, channel) => {
      const pull = [1, 2, 4].map((tasks, task) => {
        const own = weightsOf(block(network, 0, tasks), inputs);
        const from = source[network.tasks[task] ?? ''] ?? -1;
        return product(oneRow(own, from), gramOfBlocks(grams.slice(task, task + 1), inputs));
      });
      const sum = pull.reduce((one, other) => plus(one, other));
      expect(largestDifference(product(oneRow(weights, channel), total), sum)).toBeLessThan(1e-9);
    });
  });

  test('blocks of any tasks can be shared: two of three nets, then channels that read them', async () => {
    // digit and letter share below; digit and fashion above have no input in common but the bias.
    let network = joined([denseNet(1), denseNet(2), denseNet(3)], 'crossed');
    network = await share(network, 0, 0b001, 0b100, 5);
    network = await share(network, 1, 0b001, 0b010, 3);
    network = await share(network, 1, 0b011, 0b100, 2);
    expect(layerAt(network, 1).blocks.map(({ tasks }) => tasks)).toEqual([0b111, 0b011, 0b100, 0b001, 0b010]);
    // digit and letter go on sharing the weights that read what they share below.
    expect([...block(network, 1, 0b111).edges.keys()].sort()).toEqual([0b001, 0b010, 0b100, 0b101]);
    const x = randomInput([2, 6], 1);
    const { trunk, heads } = servingGraphs(network);
    expect(trunk).toBeNull();
    for (const { task, graph } of heads) {
      const [served] = Object.values(await outputsOf(graph, { vector: x }));
      const alone = await answerOf(taskGraph(network, task), x);
      expect(served?.dtype === 'float32' && largestGap(served.data, alone)).toBe(0);
    }
  });

  test('zipBlocks() refuses blocks that are not there, and a task on both sides', async () => {
    const network = joined([denseNet(1), denseNet(2)], 'crossed');
    const options = { count: 1, matching: 'optimal', grams: await gramsOf(network, 0) } as const;
    await expect(zipBlocks(network, 0, [1, 3], options)).rejects.toThrow(
      'Cannot share channels of fc1 of digit+fashion: there are none',
    );
    await expect(zipBlocks(network, 0, [1, 1], options)).rejects.toThrow(
      'Cannot share fc1 of digit with fc1 of digit: a task is in both',
    );
    await expect(zipBlocks(network, 0, [1, 2], { ...options, count: 9 })).rejects.toThrow(
      'Cannot choose 9 pairs of 8 and 8 channels',
    );
  });
});
