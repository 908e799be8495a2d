import { expect, test } from 'vitest';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { Graph, int } from '../../../gpu-runner/onnx/graph.ts';
import { answersApart } from '../../../gpu-runner/runner/answersApart.ts';

/** Answers every input times a factor. */
function times(factor: number, softmax = false): Graph {
  const graph = new Graph('times');
  graph.inputs = [{ name: 'x', dtype: 'float32', dims: ['N', 2] }];
  graph.initializers.set('factor', { dtype: 'float32', dims: [1], data: Float32Array.of(factor) });
  graph.addNode('Mul', ['x', 'factor'], ['logits']);
  if (softmax) graph.addNode('Softmax', ['logits'], ['answer']);
  graph.outputs = [{ name: softmax ? 'answer' : 'logits', dtype: 'float32', dims: ['N', 2] }];
  return graph;
}

const inputs = [1, 10, 3, 10, 5, 16];
const data = memoryDataset({
  sampleDims: [2],
  classes: 2,
  labels: Int32Array.of(0, 1, 0),
  inputs: Float32Array.from(inputs),
});
const options = { provider: 'cpu' } as const;

test('answersApart() is the squared difference as a part of the variance, before a Softmax', async () => {
  expect(await answersApart({ graph: times(2), data }, { graph: times(2), data }, options)).toBe(0);
  // Off by half of each input; columns vary by 8 and by 24 around their means, summed over samples.
  const square = inputs.reduce((sum, value) => sum + (value / 2) ** 2, 0);
  for (const softmax of [false, true])
    expect(
      await answersApart({ graph: times(1.5, softmax), data }, { graph: times(1, softmax), data }, options),
    ).toBeCloseTo(square / (8 + 24), 5);
});

test('answersApart() has no number for answers that do not vary, and refuses others that do not fit', async () => {
  expect(await answersApart({ graph: times(1), data }, { graph: times(0), data }, options)).toBeNaN();
  const wide = times(1);
  wide.addNode('Concat', ['logits', 'logits'], ['twice'], { axis: int(1) });
  wide.outputs = [{ name: 'twice', dtype: 'float32', dims: ['N', 4] }];
  await expect(answersApart({ graph: wide, data }, { graph: times(1), data }, options)).rejects.toThrow(
    'Cannot compare answers of 12 numbers with answers of 6',
  );
});
