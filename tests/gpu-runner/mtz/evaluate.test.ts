import { describe, expect, test } from 'vitest';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { accuracyOf } from '../../../gpu-runner/mtz/evaluate.ts';
import { answerOf, convNet, convInput, denseNet, NetBuilder, randomInput } from './nets.ts';

/** A "network" whose logits are its input. */
const echo = () => new NetBuilder(1, [3]).op('Identity').end();

describe('accuracyOf', () => {
  test('accuracyOf() counts the samples whose largest logit is their label, the first among equals', async () => {
    const data = memoryDataset({
      sampleDims: [3],
      classes: 3,
      labels: Int32Array.of(0, 1, 2, 0, 1),
      inputs: Float32Array.of(5, 1, 1, /**/ 0, -1, -2, /**/ 1, 2, 3, /**/ 7, 7, 0, /**/ 2, 2, 0),
    });
    for (const batchSize of [1, 2, 5, 100])
      expect(await accuracyOf(echo(), data, { provider: 'cpu', batchSize })).toBe(3 / 5);
  });

  test('accuracyOf() agrees with labels taken from the network itself', async () => {
    const graph = convNet(3);
    const inputs = randomInput([10, ...convInput], 1);
    const logits = await answerOf(graph, inputs);
    const labels = Int32Array.from({ length: 10 }, (_, sample) => {
      const row = [...logits.subarray(sample * 3, sample * 3 + 3)];
      return row.indexOf(Math.max(...row));
    });
    const data = memoryDataset({ sampleDims: convInput, classes: 3, labels, inputs: inputs.data });
    expect(await accuracyOf(graph, data, { provider: 'cpu', batchSize: 4 })).toBe(1);
    const wrong = { ...data, labels: labels.map((label) => (label + 1) % 3) };
    expect(await accuracyOf(graph, wrong, { provider: 'cpu', batchSize: 4 })).toBe(0);
  });

  test('accuracyOf() refuses an empty data set, other classes and several outputs', async () => {
    const empty = memoryDataset({
      sampleDims: [6],
      classes: 3,
      labels: new Int32Array(),
      inputs: new Float32Array(),
    });
    await expect(accuracyOf(denseNet(1), empty, { provider: 'cpu' })).rejects.toThrow(
      'the data set is empty',
    );
    const four = memoryDataset({
      sampleDims: [6],
      classes: 4,
      labels: Int32Array.of(3),
      inputs: new Float32Array(6),
    });
    await expect(accuracyOf(denseNet(1), four, { provider: 'cpu' })).rejects.toThrow(
      'its output is [1,3], not [1,4]',
    );
    const two = denseNet(1);
    two.outputs.push({ name: 'v0', dtype: 'float32', dims: ['N', 8] });
    await expect(accuracyOf(two, four, { provider: 'cpu' })).rejects.toThrow('it has 1 inputs and 2 outputs');
  });

  test('accuracyOf() stops when it is told to', async () => {
    const data = memoryDataset({
      sampleDims: [3],
      classes: 3,
      labels: Int32Array.of(0),
      inputs: new Float32Array(3),
    });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(accuracyOf(echo(), data, { provider: 'cpu', signal })).rejects.toThrow('enough');
  });
});
