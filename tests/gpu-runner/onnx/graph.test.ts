import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { Graph, type ValueInfo } from '../../../gpu-runner/onnx/graph.ts';
import { validate } from '../../../gpu-runner/onnx/validate.ts';
import { writeModel } from '../../../gpu-runner/onnx/write.ts';
import { bools, f32, runModel } from './single-node.ts';

const value = (name: string, ...dims: number[]): ValueInfo => ({ name, dtype: 'float32', dims });

/** y = relu(x + bias) * scale, and a branch that no output needs. */
function network(): Graph {
  const graph = new Graph('network');
  graph.inputs.push(value('x', 3));
  graph.outputs.push(value('y', 3));
  graph.initializers.set('bias', f32(3));
  graph.initializers.set('scale', f32(3));
  graph.initializers.set('unused', f32(3));
  graph.addNode('Add', ['x', 'bias'], ['sum']);
  graph.addNode('Relu', ['sum'], ['relu']);
  graph.addNode('Neg', ['sum'], ['dead']);
  graph.addNode('Mul', ['relu', 'scale'], ['y']);
  return graph;
}

/** An If whose branches read `outer` of the graph around it. */
function conditional(): Graph {
  const branch = (op: string): Graph => {
    const inner = new Graph(op);
    inner.addNode(op, ['outer'], [`${op}_out`]);
    inner.outputs.push(value(`${op}_out`, 3));
    return inner;
  };
  const graph = new Graph('conditional');
  graph.inputs.push({ name: 'flag', dtype: 'bool', dims: [] }, value('x', 3));
  graph.outputs.push(value('y', 3));
  graph.addNode('Abs', ['x'], ['outer']);
  graph.addNode('If', ['flag'], ['y'], {
    then_branch: { type: 'graph', value: branch('Neg') },
    else_branch: { type: 'graph', value: branch('Exp') },
  });
  return graph;
}

async function run(graph: Graph, feeds = { x: f32(3) }): Promise<number[]> {
  const results = await runModel(writeModel(graph), feeds);
  return Array.from(results['y']?.data as Float32Array);
}

const ops = (graph: Graph): string[] => graph.nodes.map(({ op }) => op);

describe('Graph', () => {
  it('tells who makes and who reads a value, once a reader', () => {
    const graph = network();
    graph.addNode('Mul', ['sum', 'sum'], ['square']);
    expect(graph.producers().get('relu')?.op).toBe('Relu');
    expect(graph.producers().has('x')).toBe(false);
    expect(
      graph
        .consumers()
        .get('sum')
        ?.map(({ op }) => op),
    ).toEqual(['Relu', 'Neg', 'Mul']);
    expect(
      conditional()
        .consumers()
        .get('outer')
        ?.map(({ op }) => op),
    ).toEqual(['If']);
  });

  it('makes up names that neither a value nor a node has', () => {
    const graph = network();
    expect(graph.fresh('z')).toBe('z');
    expect(graph.fresh('bias')).toBe('bias_1');
    expect(graph.fresh('Relu')).toBe('Relu_1');
    expect(graph.addNode('Relu', ['y'], ['z']).name).toBe('Relu_1');
  });

  it('replaceUses() and removeNode() take a node out of the way', async () => {
    const graph = network();
    const relu = graph.producers().get('relu');
    if (relu) graph.removeNode(relu);
    graph.replaceUses('relu', 'sum');
    const [x, bias, scale] = [f32(3), f32(3), f32(3)].map(({ data }) => data[1] ?? 0);
    expect((await run(graph))[1]).toBeCloseTo(((x ?? 0) + (bias ?? 0)) * (scale ?? 0), 5);
  });

  it('replaceUses() reaches into nested graphs', async () => {
    const graph = conditional();
    graph.replaceUses('outer', 'x');
    graph.prune();
    expect(ops(graph)).toEqual(['If']);
    const results = await runModel(writeModel(graph), {
      flag: { ...bools(), data: Uint8Array.of(1) },
      x: f32(3),
    });
    expect(Array.from(results['y']?.data as Float32Array)).toEqual(Array.from(f32(3).data, (item) => -item));
  });

  it('prune() drops what no output needs and changes no output', async () => {
    const [whole, pruned] = [network(), network()];
    pruned.prune();
    expect(ops(pruned)).toEqual(['Add', 'Relu', 'Mul']);
    expect([...pruned.initializers.keys()]).toEqual(['bias', 'scale']);
    expect(await run(pruned)).toEqual(await run(whole));
    const nested = conditional();
    nested.prune();
    expect(ops(nested)).toEqual(['Abs', 'If']);
  });

  it('sort() leaves an order that can be executed as it is, and finds one from any other', () => {
    const sorted = network();
    sorted.sort();
    expect(ops(sorted)).toEqual(ops(network()));
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (order) => {
        const graph = network();
        graph.nodes = order.flatMap((index) => graph.nodes[index] ?? []);
        graph.sort();
        expect(graph.nodes).toHaveLength(4);
        expect(() => validate(graph)).not.toThrow();
      }),
    );
  });

  it('sort() copes with chains deeper than the call stack', () => {
    const graph = new Graph('chain');
    graph.inputs.push(value('v20000'));
    for (let index = 0; index < 20_000; index += 1) {
      graph.nodes.push({
        name: `n${index}`,
        op: 'Relu',
        domain: '',
        inputs: [`v${index + 1}`],
        outputs: [`v${index}`],
        attributes: {},
      });
    }
    graph.sort();
    expect(graph.nodes[0]?.name).toBe('n19999');
    expect(graph.nodes.at(-1)?.name).toBe('n0');
  });

  it('sort() refuses nodes that feed each other in a circle', () => {
    const graph = network();
    graph.replaceUses('x', 'y');
    expect(() => graph.sort()).toThrow(/Cannot sort graph "network": \w+ "\w+" feeds itself/);
  });

  it('extract() gives the part between values, which computes the same', async () => {
    const graph = network();
    const head = graph.extract([value('relu', 3)], [value('y', 3)]);
    expect(ops(head)).toEqual(['Mul']);
    expect([...head.initializers.keys()]).toEqual(['scale']);
    const trunk = graph.extract(graph.inputs, [value('relu', 3)]);
    const features = await runModel(writeModel(trunk), { x: f32(3) });
    const results = await runModel(writeModel(head), {
      relu: { ...f32(3), data: features['relu']?.data as Float32Array },
    });
    expect(Array.from(results['y']?.data as Float32Array)).toEqual(await run(graph));
    expect(ops(graph)).toHaveLength(4);
  });

  it('extract() refuses a part that would need an input it does not have', () => {
    expect(() => network().extract([], [value('y', 3)])).toThrow('value "x" would have no source');
    expect(() => network().extract([value('x', 3)], [value('nothing', 3)])).toThrow('value "nothing"');
  });

  it('clone() can be edited apart, nested graphs too', () => {
    const graph = conditional();
    const copy = graph.clone();
    copy.replaceUses('outer', 'x');
    copy.nodes[0]?.outputs.push('more');
    expect(graph).toEqual(conditional());
  });

  it('append() puts two networks side by side on one input', async () => {
    const graph = network();
    graph.append(network(), 'b/', new Map([['x', 'x']]));
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(graph.outputs.map(({ name }) => name)).toEqual(['y', 'b/y']);
    const results = await runModel(writeModel(graph), { x: f32(3) });
    expect(Array.from(results['b/y']?.data as Float32Array)).toEqual(await run(network()));
  });

  it('append() prefixes nested graphs and unbound inputs, and leaves the other graph alone', () => {
    const graph = conditional();
    const other = conditional();
    graph.append(other, 'b/');
    expect(graph.inputs.map(({ name }) => name)).toEqual(['flag', 'x', 'b/flag', 'b/x']);
    expect(() => validate(graph)).not.toThrow();
    expect(
      graph
        .consumers()
        .get('b/outer')
        ?.map(({ name }) => name),
    ).toEqual(['b/If']);
    expect(other).toEqual(conditional());
  });

  it('append() refuses names that exist and bindings that make no sense', () => {
    expect(() => network().append(network(), '')).toThrow(
      'Cannot append graph "network": "x" exists already',
    );
    expect(() => network().append(network(), 'b/', new Map([['x', 'z']]))).toThrow(
      '"z" is not a value of "network"',
    );
    expect(() => network().append(network(), 'b/', new Map([['sum', 'x']]))).toThrow(
      '"sum" is the output of a node',
    );
  });
});
