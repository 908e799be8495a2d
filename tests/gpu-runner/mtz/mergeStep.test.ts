import { describe, expect, test } from 'vitest';
import { matrix, plus, row, transpose, type Matrix } from '../../../gpu-runner/linalg/matrix.ts';
import { cholesky, choleskySolve } from '../../../gpu-runner/linalg/cholesky.ts';
import { formBlocks } from '../../../gpu-runner/mtz/formBlocks.ts';
import { layerGramsIn, mergeStep } from '../../../gpu-runner/mtz/mergeStep.ts';
import {
  columnsOf,
  keyOf,
  rowsOf,
  type InputBlock,
  type Network,
  type Part,
} from '../../../gpu-runner/mtz/network.ts';
import { gramOfBlocks, type TaskGram } from '../../../gpu-runner/mtz/taskGram.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { largestDifference, product } from '../linalg/samples.ts';
import { convNet, denseNet, type Widths } from './nets.ts';
import { gramsOf, joined, pair, share, stepNamed } from './networks.ts';
import { loss, oneRow } from './samples.ts';

function denseGram(gram: TaskGram | undefined, blocks: Parameters<typeof gramOfBlocks>[1]): Matrix {
  const found = gramOfBlocks(gram ? [gram] : [], blocks);
  if ('factors' in found) throw new Error('factored');
  return found;
}

const nets: Record<'conv' | 'dense', { graphs: Graph[]; layers: [string, string] }> = {
  conv: {
    graphs: [convNet(1), convNet(2, { conv1: 5, conv2: 4 } satisfies Widths)],
    layers: ['conv1', 'conv2'],
  },
  dense: { graphs: [denseNet(1), denseNet(2, { fc1: 7, fc2: 9 })], layers: ['fc1', 'fc2'] },
};

function partOf(network: Network, layer: string, tasks: number, use: number): Part {
  const rows = rowsOf(network, stepNamed(network, layer)).find((each) => each.tasks === tasks);
  const part = rows?.parts.find((each) => each.use === use);
  if (!part) throw new Error(`no part ${use} of block ${tasks}`);
  return part;
}

/** Weights on some inputs, bias last, zeros where a part does not read one. */
function weightsOn({ inputs, weight, bias }: Part, wanted: readonly InputBlock[]): Matrix {
  const columns = columnsOf(inputs);
  const n = wanted.reduce((sum, input) => sum + input.columns, 1);
  const result = matrix(weight.rows, n);
  for (let r = 0; r < weight.rows; r += 1) {
    let at = 0;
    for (const input of wanted) {
      const own = columns.get(keyOf(input));
      for (let k = 0; k < input.columns; k += 1)
        result.data[r * n + at + k] = row(weight, r)[own?.[k] ?? -1] ?? 0;
      at += input.columns;
    }
    result.data[r * n + n - 1] = bias?.[r] ?? 0;
  }
  return result;
}

/** For each formed pair: the least loss over all weights on the kept inputs, from the definition, and those weights. */
async function leastLosses(network: Network, layer: string, kept: number) {
  const step = stepNamed(network, layer);
  const grams = layerGramsIn(network, step, await gramsOf(network, step));
  const sides = [1, 2].map((use, task) => {
    const part = partOf(network, layer, 3, use);
    const gram = denseGram(grams[task], part.inputs);
    const places: number[] = [];
    let start = 0;
    for (const { from, columns } of part.inputs) {
      for (let k = 0; k < columns; k += 1) if (from === kept) places.push(start + k);
      start += columns;
    }
    places.push(start);
    const embed = matrix(start + 1, places.length);
    places.forEach((place, k) => (embed.data[place * places.length + k] = 1));
    return { weights: weightsOn(part, part.inputs), gram, embed };
  });
  const [one, other] = sides;
  if (!one || !other) throw new Error('two sides');
  const square = (side: typeof one): Matrix => product(product(transpose(side.embed), side.gram), side.embed);
  return Promise.all(
    Array.from({ length: one.weights.rows }, async (_, channel) => {
      const pull = (side: typeof one): Matrix =>
        product(product(transpose(side.embed), side.gram), transpose(oneRow(side.weights, channel)));
      const w = await choleskySolve(
        await cholesky(plus(square(one), square(other))),
        plus(pull(one), pull(other)),
      );
      const lossOf = (side: typeof one): number =>
        loss(transpose(product(side.embed, w)), oneRow(side.weights, channel), side.gram);
      return { weights: transpose(w), loss: lossOf(one) + lossOf(other) };
    }),
  );
}

/** Channels of a layer as blocks, their weights still apart. */
async function formed(
  network: Network,
  layer: string,
  count: number,
): Promise<{ network: Network; costs: readonly number[] }> {
  const { formings, costs } = await pair(network, layer, count);
  return { network: formings.reduce(formBlocks, network), costs };
}

describe.each(['conv', 'dense'] as const)('mergeStep of %s nets', (family) => {
  const { graphs, layers } = nets[family];
  const [first, second] = layers;

  test.each(['crossed', 'one-way'] as const)(
    'a pair costs the least loss there is, and gets the weights that have it (%s, first layer)',
    async (wiring) => {
      const before = await formed(joined(graphs, wiring), first, 3);
      const expected = await leastLosses(before.network, first, 3);
      const step = stepNamed(before.network, first);
      const after = await mergeStep(before.network, step, await gramsOf(before.network, step));
      before.costs.forEach((cost, index) => expect(cost).toBeCloseTo(expected[index]?.loss ?? NaN, 8));
      expect(after.cost).toBeCloseTo(
        expected.reduce((sum, each) => sum + each.loss, 0),
        6,
      );
      const merged = partOf(after.network, first, 3, 3);
      const weights = weightsOn(merged, merged.inputs);
      expected.forEach((least, index) =>
        expect(largestDifference(oneRow(weights, index), least.weights)).toBeLessThan(1e-6),
      );
    },
  );

  test('one-way, inputs that are dropped are part of the cost and absorbed by those that stay', async () => {
    const below = await share(joined(graphs, 'one-way'), first, 3);
    const before = await formed(below, second, 2);
    const expected = await leastLosses(before.network, second, 3);
    const step = stepNamed(before.network, second);
    const after = await mergeStep(before.network, step, await gramsOf(before.network, step));
    before.costs.forEach((cost, index) => expect(cost).toBeCloseTo(expected[index]?.loss ?? NaN, 8));
    const merged = partOf(after.network, second, 3, 3);
    expect(merged.inputs.map(({ from }) => from)).toEqual([3]);
    const weights = weightsOn(merged, merged.inputs);
    expected.forEach((least, index) =>
      expect(largestDifference(oneRow(weights, index), least.weights)).toBeLessThan(1e-5),
    );
    expect(partOf(after.network, second, 1, 1).inputs.map(({ from }) => from)).toEqual([3, 1]);
  });

  test('crossed, weights on own inputs are kept as they are, each in a part of its task', async () => {
    const below = await share(joined(graphs, 'crossed'), first, 3);
    const before = await formed(below, second, 2);
    const step = stepNamed(before.network, second);
    const after = await mergeStep(before.network, step, await gramsOf(before.network, step));
    for (const task of [1, 2]) {
      const [was, now] = [before, after].map(({ network }) => partOf(network, second, 3, task));
      expect(now?.inputs.map(({ from }) => from)).toEqual([task]);
      expect(now?.bias).toBeNull();
      const own = was?.inputs.filter(({ from }) => from === task) ?? [];
      expect(was && now && largestDifference(weightsOn(now, own), withoutBias(weightsOn(was, own)))).toBe(0);
    }
  });
});

const withoutBias = (of: Matrix): Matrix => {
  const copy = matrix(of.rows, of.cols, of.data.slice());
  for (let r = 0; r < of.rows; r += 1) row(copy, r)[of.cols - 1] = 0;
  return copy;
};

describe('mergeStep', () => {
  test('three nets zipped in one after the other have the weights of the joint optimum', async () => {
    const network = joined([denseNet(1), denseNet(2), denseNet(3)], 'crossed');
    const step = stepNamed(network, 'fc1');
    const grams = await gramsOf(network, step);
    const { formings } = await pair(network, 'fc1', 8);
    const before = formings.reduce(formBlocks, network);
    const after = await mergeStep(before, step, grams);
    const merged = partOf(after.network, 'fc1', 7, 7);
    const placed = layerGramsIn(before, step, grams);
    const of = (task: number): Matrix => denseGram(placed[task], merged.inputs);
    const total = plus(plus(of(0), of(1)), of(2));
    const weights = weightsOn(merged, merged.inputs);
    for (let channel = 0; channel < 8; channel += 1) {
      const pull = [1, 2, 4].map((use, task) => {
        const part = partOf(before, 'fc1', 7, use);
        return product(oneRow(weightsOn(part, merged.inputs), channel), of(task));
      });
      const sum = pull.reduce((one, other) => plus(one, other));
      // Weights are rounded to float32.
      expect(largestDifference(product(oneRow(weights, channel), total), sum)).toBeLessThan(1e-5);
    }
  });

  test('sparse nets: the mask with more ones stays, zeros elsewhere', async () => {
    const pruned = (seed: number, share_: number): Graph => {
      const graph = denseNet(seed);
      const tensor = graph.initializers.get('fc1.weight');
      if (tensor?.dtype !== 'float32') throw new Error('no weights');
      const data = tensor.data.map((value, index) => ((index * 7 + seed) % 10 < 10 * share_ ? 0 : value));
      graph.initializers.set('fc1.weight', { ...tensor, data });
      return graph;
    };
    const graphs = [pruned(1, 0.5), pruned(2, 0.2)];
    const network = { ...joined(graphs, 'crossed'), sparse: true };
    const before = await formed(network, 'fc1', 8);
    const step = stepNamed(network, 'fc1');
    const after = await mergeStep(before.network, step, await gramsOf(before.network, step));
    const [a, b, merged] = [
      partOf(before.network, 'fc1', 3, 1),
      partOf(before.network, 'fc1', 3, 2),
      partOf(after.network, 'fc1', 3, 3),
    ];
    const ones = (values: Float64Array): boolean[] => Array.from(values, (value) => value !== 0);
    for (let channel = 0; channel < 8; channel += 1) {
      const [ofA, ofB] = [ones(row(a.weight, channel)), ones(row(b.weight, channel))];
      const denser = ofA.filter(Boolean).length >= ofB.filter(Boolean).length ? ofA : ofB;
      expect(ones(row(merged.weight, channel))).toEqual(denser);
    }
  });
});
