import { describe, expect, it } from 'vitest';
import { confusionOf } from '../../../../gpu-runner/bundle/report/confusion.ts';
import { memoryDataset } from '../../../../gpu-runner/engine/dataset.ts';
import { accuracyOf } from '../../../../gpu-runner/mtz/evaluate.ts';
import { Graph } from '../../../../gpu-runner/onnx/graph.ts';

/** Answers what it is given. */
function echo(classes: number): Graph {
  const graph = new Graph('echo');
  graph.inputs = [{ name: 'scores', dtype: 'float32', dims: ['N', classes] }];
  graph.outputs = [{ name: 'logits', dtype: 'float32', dims: ['N', classes] }];
  graph.nodes = [
    { name: 'echo', op: 'Identity', domain: '', inputs: ['scores'], outputs: ['logits'], attributes: {} },
  ];
  return graph;
}

/** Samples whose largest score is that of `answers`. */
const answering = (labels: readonly number[], answers: readonly number[], classes: number) =>
  memoryDataset({
    sampleDims: [classes],
    classes,
    labels: Int32Array.from(labels),
    inputs: Float32Array.from(
      answers.flatMap((answer) => Array.from({ length: classes }, (_, one) => (one === answer ? 1 : 0))),
    ),
  });

describe('confusionOf()', () => {
  it('counts answers by true label', async () => {
    const data = answering([0, 0, 0, 1, 2, 2], [0, 1, 1, 1, 0, 2], 3);
    expect(await confusionOf(echo(3), data, { provider: 'cpu' })).toEqual([
      [1, 2, 0],
      [0, 1, 0],
      [1, 0, 1],
    ]);
  });

  it('has the accuracy on its diagonal, over several batches', async () => {
    const labels = Array.from({ length: 300 }, (_, index) => index % 4);
    const data = answering(
      labels,
      labels.map((one, index) => (index % 7 === 0 ? (one + 1) % 4 : one)),
      4,
    );
    const counts = await confusionOf(echo(4), data, { provider: 'cpu' });
    const right = counts.reduce((sum, row, index) => sum + (row[index] ?? 0), 0);
    expect(right / 300).toBe(await accuracyOf(echo(4), data, { provider: 'cpu' }));
    expect(counts.flat().reduce((sum, one) => sum + one, 0)).toBe(300);
  });

  it('counts the first class among equal scores', async () => {
    const data = memoryDataset({
      sampleDims: [2],
      classes: 2,
      labels: Int32Array.of(1),
      inputs: new Float32Array(2),
    });
    expect(await confusionOf(echo(2), data, { provider: 'cpu' })).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  it('refuses data of other classes, and none', async () => {
    const three = memoryDataset({
      sampleDims: [2],
      classes: 3,
      labels: Int32Array.of(1),
      inputs: new Float32Array(2),
    });
    await expect(confusionOf(echo(2), three, { provider: 'cpu' })).rejects.toThrow(
      'Cannot count the confusion of "echo": its output is [1,2], the samples have 3 classes',
    );
    await expect(confusionOf(echo(2), answering([], [], 2), { provider: 'cpu' })).rejects.toThrow(
      'Cannot count the confusion of "echo": the data set is empty',
    );
  });
});
