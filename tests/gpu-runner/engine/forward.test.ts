import { describe, expect, it } from 'vitest';
import { Emitter } from '../../../gpu-runner/engine/emitter.ts';
import { emitForward } from '../../../gpu-runner/engine/forward.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import { Graph, int } from '../../../gpu-runner/onnx/graph.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { logitsOf } from './evaluate.ts';
import { convNet, denseNet, patterns } from './tinyNets.ts';

const frozen = () => ({ statistics: new Map<string, string>(), noise: () => '' });

/** The emitted copy's output for the first `batch` samples. */
async function run(emit: Emitter, output: string, feeds: Record<string, Tensor>): Promise<number[]> {
  emit.output(output);
  const session = await createSession(emit.graph, { provider: 'cpu', threads: 1 });
  const results = await session.run(feeds, [output]);
  await session.release();
  return Array.from(results[output]?.data ?? [], Number);
}
const image = (batch: number): Tensor => ({
  dtype: 'float32',
  dims: [batch, 1, 8, 8],
  data: patterns().inputs(Array.from({ length: batch }, (_, index) => index)),
});

describe('emitForward()', () => {
  it('copies a network that computes the same', async () => {
    const graph = convNet();
    graph.nodes = graph.nodes.filter(({ op }) => op !== 'Dropout');
    for (const node of graph.nodes) node.inputs = node.inputs.map((name) => (name === 'd' ? 'p' : name));
    const emit = new Emitter('copy');
    const values = new Map([['image', emit.input('feed', 'float32', [4, 1, 8, 8])]]);
    const names = emitForward(emit, graph, values, frozen());
    const output = await run(emit, names.get('logits') ?? '', { feed: image(4) });
    expect(output).toEqual((await logitsOf(graph, patterns())).slice(0, 4).flat());
  });

  it('reads the values it is given in place of initializers, and copies each other one once', () => {
    const graph = denseNet();
    const emit = new Emitter('values');
    const values = new Map([
      ['x', emit.input('feed', 'float32', [4, 2])],
      ['w1', emit.input('weights', 'float32', [8, 2])],
    ]);
    emitForward(emit, graph, values, frozen());
    emitForward(emit, graph, values, frozen());
    expect([...emit.graph.initializers.keys()]).toEqual(['net/b1', 'net/w2', 'net/b2']);
    expect(emit.graph.nodes.filter(({ inputs }) => inputs.includes('weights'))).toHaveLength(2);
  });

  it('normalises by the batch and moves the running statistics on', async () => {
    const graph = convNet();
    graph.nodes = graph.nodes.slice(0, 2);
    graph.outputs = [{ name: 'n', dtype: 'float32', dims: ['N', 4, 8, 8] }];
    const emit = new Emitter('training');
    const values = new Map([['image', emit.input('feed', 'float32', [4, 1, 8, 8])]]);
    const [mean, variance] = [emit.input('m', 'float32', [4]), emit.input('v', 'float32', [4])];
    const statistics = new Map([
      ['mean', mean],
      ['variance', variance],
    ]);
    const names = emitForward(emit, graph, values, { ...frozen(), statistics });
    const moved = [statistics.get('mean') ?? '', statistics.get('variance') ?? ''];
    expect(moved).not.toEqual([mean, variance]);
    for (const value of moved) expect(emit.dims(value)).toEqual([4]);
    const four = (value: number): Tensor => ({
      dtype: 'float32',
      dims: [4],
      data: new Float32Array(4).fill(value),
    });
    const output = await run(emit, names.get('n') ?? '', { feed: image(4), m: four(100), v: four(100) });
    // Channel 0 has scale 1 and shift 0: mean 0 and variance 1 over the batch, whatever the running statistics.
    const channel = output.filter((_, index) => Math.floor(index / 64) % 4 === 0);
    expect(channel.reduce((sum, value) => sum + value, 0) / channel.length).toBeCloseTo(0, 5);
    expect(channel.reduce((sum, value) => sum + value ** 2, 0) / channel.length).toBeCloseTo(1, 3);
  });

  it('drops what the noise says', async () => {
    const graph = new Graph('dropout');
    graph.inputs = [{ name: 'x', dtype: 'float32', dims: [4] }];
    graph.outputs = [{ name: 'y', dtype: 'float32', dims: [4] }];
    graph.addNode('Dropout', ['x'], ['y']);
    const emit = new Emitter('dropout');
    const values = new Map([['x', emit.input('x', 'float32', [4])]]);
    const noise = (dims: readonly number[]) => emit.input('noise', 'float32', dims);
    const names = emitForward(emit, graph, values, { ...frozen(), noise });
    const vector = (...numbers: number[]): Tensor => ({
      dtype: 'float32',
      dims: [4],
      data: Float32Array.from(numbers),
    });
    const feeds = { x: vector(1, 2, 3, 4), noise: vector(0, 0.49, 0.5, 0.99) };
    expect(await run(emit, names.get('y') ?? '', feeds)).toEqual([0, 0, 6, 8]);
  });

  it('flattens by a shape that is computed from the size of the batch', async () => {
    const graph = new Graph('view');
    graph.inputs = [{ name: 'x', dtype: 'float32', dims: ['N', 2, 3] }];
    graph.outputs = [{ name: 'y', dtype: 'float32', dims: ['N', 6] }];
    graph.initializers.set('first', { dtype: 'int64', dims: [], data: BigInt64Array.of(0n) });
    graph.initializers.set('axis', { dtype: 'int64', dims: [1], data: BigInt64Array.of(0n) });
    graph.initializers.set('rest', { dtype: 'int64', dims: [1], data: BigInt64Array.of(-1n) });
    graph.addNode('Shape', ['x'], ['shape']);
    graph.addNode('Gather', ['shape', 'first'], ['size'], { axis: int(0) });
    graph.addNode('Unsqueeze', ['size', 'axis'], ['row']);
    graph.addNode('Concat', ['row', 'rest'], ['flat'], { axis: int(0) });
    graph.addNode('Reshape', ['x', 'flat'], ['y']);
    const emit = new Emitter('view');
    const names = emitForward(emit, graph, new Map([['x', emit.input('x', 'float32', [5, 2, 3])]]), frozen());
    expect(emit.dims(names.get('y') ?? '')).toEqual([5, 6]);
    const data = Float32Array.from({ length: 30 }, (_, index) => index);
    expect(await run(emit, names.get('y') ?? '', { x: { dtype: 'float32', dims: [5, 2, 3], data } })).toEqual(
      [...data],
    );
  });

  it('refuses a network made for another batch', () => {
    const graph = denseNet();
    graph.inputs = [{ name: 'x', dtype: 'float32', dims: [1, 2] }];
    const emit = new Emitter('batch');
    const values = new Map([['x', emit.input('feed', 'float32', [4, 2])]]);
    expect(() => emitForward(emit, graph, values, frozen())).toThrow(
      'Cannot give input "x" dims [4,2]: it has [1,2]',
    );
  });
});
