import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { Graph, ints } from '../../../gpu-runner/onnx/graph.ts';
import { AttributeProto_AttributeType as Kind } from '../../../gpu-runner/onnx/proto/onnx_pb.js';
import { readModel } from '../../../gpu-runner/onnx/read.ts';
import { inferShapes } from '../../../gpu-runner/onnx/shapes.ts';
import { encodeTensor } from '../../../gpu-runner/onnx/tensor-proto.ts';
import { writeModel } from '../../../gpu-runner/onnx/write.ts';
import { model, node, value, type GraphInit } from './handmade.ts';
import { f32, i64, runModel } from './single-node.ts';

const x = value('x', ['N', 3]);
const y = value('y', ['N', 3]);
const relu: GraphInit = { input: [x], output: [y], node: [node('Relu', ['x'], ['y'])] };
const read = (graph: GraphInit, opset = 21) => readModel(model(opset, graph));

describe('readModel()', () => {
  it('makes initializers of Constant nodes, whatever attribute holds the value', async () => {
    const graph: GraphInit = {
      input: [x],
      output: [y, value('n', [1], 'int64')],
      node: [
        {
          opType: 'Constant',
          output: ['half'],
          attribute: [{ name: 'value_float', type: Kind.FLOAT, f: 0.5 }],
        },
        {
          opType: 'Constant',
          output: ['row'],
          attribute: [{ name: 'value_floats', type: Kind.FLOATS, floats: [1, 2, 3] }],
        },
        {
          opType: 'Constant',
          output: ['words'],
          attribute: [{ name: 'value_strings', type: Kind.STRINGS, strings: [Uint8Array.of(97)] }],
        },
        {
          opType: 'Constant',
          output: ['word'],
          attribute: [{ name: 'value_string', type: Kind.STRING, s: Uint8Array.of(97) }],
        },
        { opType: 'Constant', output: ['one'], attribute: [{ name: 'value_int', type: Kind.INT, i: 1n }] },
        node('Constant', [], ['n'], { value_ints: [7] }),
        node('Constant', [], ['t'], { value: f32(3) }),
        node('Mul', ['x', 'half'], ['a']),
        node('Add', ['a', 'row'], ['b']),
        node('Sub', ['b', 't'], ['y']),
      ],
    };
    const result = read(graph);
    expect(result.nodes.map(({ op }) => op)).toEqual(['Mul', 'Add', 'Sub']);
    expect(result.initializers.get('words')).toEqual({ dtype: 'string', dims: [1], data: ['a'] });
    expect(result.initializers.get('word')).toEqual({ dtype: 'string', dims: [], data: ['a'] });
    expect(result.initializers.get('one')).toEqual(i64([1], []));
    const feeds = { x: f32(2, 3) };
    const [before, after] = [
      await runModel(model(21, graph), feeds),
      await runModel(writeModel(result), feeds),
    ];
    expect(after['y']?.data).toEqual(before['y']?.data);
    expect(after['n']?.data).toEqual(before['n']?.data);
  });

  it('takes initializers from the list of inputs, as old files name them there', () => {
    const graph = read({
      input: [x, value('w', [3])],
      output: [y],
      initializer: [encodeTensor('w', f32(3))],
      node: [node('Add', ['x', 'w'], ['y'])],
    });
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(graph.inputs[0]?.dims).toEqual(['N', 3]);
  });

  it('gives every node a name of its own and puts nodes in order', () => {
    const graph = read({
      input: [x],
      output: [y],
      node: [
        { ...node('Exp', ['b'], ['y']), name: 'same' },
        { ...node('Neg', ['a'], ['b']), name: 'same' },
        node('Abs', ['x'], ['a']),
      ],
    });
    expect(graph.nodes.map(({ name }) => name)).toEqual(['Abs_a', 'same_1', 'same']);
  });

  it('infers the types of outputs that the file leaves open, and reads sizes of 0 and none as unknown', () => {
    const pooled = node('MaxPool', ['x'], ['y'], { kernel_shape: [2, 2] });
    const graph = read({ input: [value('x', [0, null, 5, 6])], output: [{ name: 'y' }], node: [pooled] });
    expect(graph.inputs[0]?.dims).toEqual([null, null, 5, 6]);
    expect(graph.outputs).toEqual([{ name: 'y', dtype: 'float32', dims: [null, null, 4, 5] }]);
  });

  it('keeps metadata and other operator sets, and knows the standard one by both its names', () => {
    const bytes = model(
      21,
      { ...relu, node: [{ ...node('Relu', ['x'], ['y']), domain: 'ai.onnx' }] },
      {
        metadataProps: [{ key: 'task', value: 'digit' }],
        opsetImport: [
          { domain: 'ai.onnx', version: 21n },
          { domain: 'com.microsoft', version: 1n },
        ],
      },
    );
    const graph = readModel(bytes);
    expect(graph.nodes[0]?.domain).toBe('');
    expect(graph.metadata).toEqual(new Map([['task', 'digit']]));
    expect(graph.domains).toEqual(new Map([['com.microsoft', 1]]));
  });

  it('reads nested graphs, which compute the same', async () => {
    const branch = (op: string) => ({
      name: `${op}_branch`,
      type: Kind.GRAPH,
      g: {
        name: op,
        node: [node('Constant', [], [`${op}_c`], { value: f32(3) }), node(op, ['x', `${op}_c`], [`${op}_y`])],
        output: [value(`${op}_y`, [null, 3])],
      },
    });
    const attribute = [
      { ...branch('Add'), name: 'then_branch' },
      { ...branch('Mul'), name: 'else_branch' },
    ];
    const bytes = model(21, {
      input: [x, value('flag', [], 'bool')],
      output: [y],
      node: [{ opType: 'If', input: ['flag'], output: ['y'], attribute }],
    });
    const feeds = { x: f32(2, 3), flag: { dtype: 'bool', dims: [], data: Uint8Array.of(1) } } as const;
    const [before, after] = [
      await runModel(bytes, feeds),
      await runModel(writeModel(readModel(bytes)), feeds),
    ];
    expect(after['y']?.data).toEqual(before['y']?.data);
  });

  it('refuses what is not an ONNX file', () => {
    const text = new TextEncoder().encode('<html><body>404 not found</body></html>');
    expect(() => readModel(text)).toThrow(/^Cannot read model: .*ONNX file/);
    expect(() => readModel(new Uint8Array())).toThrow(
      'Cannot read model: it holds no graph; is this an ONNX file?',
    );
    expect(() => readModel(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a))).toThrow(
      'Cannot read model',
    );
    expect(() => readModel(model(21, relu, { opsetImport: [] }))).toThrow('it names no opset');
  });

  it('refuses opsets that it does not know', () => {
    expect(() => read(relu, 10)).toThrow('Cannot read model: opset 10 is not among 11 to 26');
    expect(() => read(relu, 27)).toThrow('opset 27 is not among 11 to 26');
  });

  it('refuses what is not supported, by name', () => {
    expect(() => readModel(model(21, relu, { functions: [{ name: 'Block' }] }))).toThrow(
      'function "Block" is not supported',
    );
    expect(() => read({ ...relu, sparseInitializer: [{ values: { name: 'sparse' } }] })).toThrow(
      'sparse initializer "sparse"',
    );
    const list = { name: 'x', type: { value: { case: 'sequenceType', value: {} } } } as const;
    expect(() => read({ ...relu, input: [list] })).toThrow(
      'Cannot read input "x": sequence values are not supported',
    );
    const complex = {
      name: 'x',
      type: { value: { case: 'tensorType', value: { elemType: 14, shape: {} } } },
    } as const;
    expect(() => read({ ...relu, input: [complex] })).toThrow(
      'Cannot read input "x": data type 14 is not supported',
    );
    const sparse = { name: 'value', type: Kind.SPARSE_TENSOR };
    expect(() =>
      read({ ...relu, node: [{ opType: 'Constant', output: ['y'], attribute: [sparse] }] }),
    ).toThrow(
      'Cannot read attribute "value" of Constant "y": attributes of kind SPARSE_TENSOR are not supported',
    );
    const reference = { name: 'axis', type: Kind.INT, refAttrName: 'outer' };
    expect(() =>
      read({ ...relu, node: [{ opType: 'Softmax', input: ['x'], output: ['y'], attribute: [reference] }] }),
    ).toThrow('references');
  });

  it('refuses graphs that contradict themselves', () => {
    const tensor = encodeTensor('w', f32(3));
    expect(() => read({ ...relu, initializer: [tensor, tensor] })).toThrow('initializer "w" is there twice');
    expect(() => read({ ...relu, node: [node('Relu', ['z'], ['y'])] })).toThrow(
      'reads "z", which is not defined',
    );
    expect(() => read({ ...relu, node: [node('Relu', ['y'], ['y'])] })).toThrow('feeds itself');
    expect(() => read({ ...relu, node: [...(relu.node ?? []), ...(relu.node ?? [])] })).toThrow(
      'value "y" is defined twice',
    );
    expect(() => read({ ...relu, input: [{ name: 'x' }] })).toThrow('the rank of input "x" is not given');
    expect(() => read({ ...relu, node: [node('Constant', [], ['y'])] })).toThrow(
      'Cannot read Constant "y": it has no value',
    );
    const lying = { ...encodeTensor('w', f32(3)), dims: [1n << 40n] };
    expect(() => read({ ...relu, initializer: [lying] })).toThrow(
      'Cannot read initializer "w": 12 bytes for dims [1099511627776]',
    );
  });

  describe('with damaged bytes', () => {
    const network = new Graph('network');
    network.inputs.push({ name: 'x', dtype: 'float32', dims: ['N', 2, 5, 5] });
    network.outputs.push({ name: 'y', dtype: 'float32', dims: ['N', 36] });
    network.initializers
      .set('w', f32(4, 2, 3, 3))
      .set('shape', i64([0, -1]))
      .set('name', { dtype: 'string', dims: [1], data: ['w'] });
    network.addNode('Conv', ['x', 'w'], ['maps'], { pads: ints([0, 0, 0, 0]) });
    network.addNode('Relu', ['maps'], ['relu']);
    network.addNode('Reshape', ['relu', 'shape'], ['y']);
    const whole = writeModel(network);
    /** A graph, or an Error that says what could not be read. */
    const outcome = (bytes: Uint8Array): string => {
      try {
        return inferShapes(readModel(bytes)).size > 0 ? 'graph' : 'nothing';
      } catch (error) {
        return error instanceof Error && error.message.startsWith('Cannot ')
          ? 'refused'
          : `crashed: ${String(error)}`;
      }
    };

    it('never crashes on a file that is cut off anywhere', () => {
      expect(outcome(whole)).toBe('graph');
      for (let length = 0; length < whole.length; length += 1) {
        expect(outcome(whole.subarray(0, length))).toBe('refused');
      }
    });

    it('never crashes on flipped bytes', () => {
      const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      });
      fc.assert(
        fc.property(flips, (places) => {
          const damaged = whole.slice();
          for (const [at, bits] of places) damaged[at] = (damaged[at] ?? 0) ^ bits;
          expect(['graph', 'refused']).toContain(outcome(damaged));
        }),
        { numRuns: 2000 },
      );
    });

    it('never crashes on bytes that are no model at all', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          expect(outcome(bytes)).toBe('refused');
        }),
        { numRuns: 1000 },
      );
    });
  });
});
