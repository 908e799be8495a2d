import { expect, test } from 'vitest';
import { backpropagate, differentiate } from '../../../../gpu-runner/engine/autodiff/differentiate.ts';
import { gradientRules } from '../../../../gpu-runner/engine/autodiff/rules.ts';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError } from '../gradientCheck.ts';

const sum = (emit: Emitter, value: string): string => emit.sum(value, [...emit.dims(value).keys()], false);

test('differentiate() adds what flows back over every path', async () => {
  const error = await gradientError({
    inputs: { x: [2, 3], w: [3, 3] },
    build: (emit, { x = '', w = '' }) => {
      const hidden = emit.op('Tanh', [emit.matmul(x, w)]);
      const deeper = emit.op('Sigmoid', [emit.matmul(hidden, w)]);
      return emit.concat([emit.add(hidden, deeper), emit.mul(deeper, x), deeper], 1);
    },
  });
  expect(error).toBeLessThan(1e-8);
});

test('differentiate() gives the gradient of a value between input and loss', () => {
  const emit = new Emitter('between');
  const x = emit.input('x', 'float32', [2]);
  const hidden = emit.op('Tanh', [x]);
  const grads = differentiate(emit, sum(emit, emit.mul(hidden, hidden)), [hidden, x]);
  expect([...grads.keys()]).toEqual([hidden, x]);
  expect(emit.dims(grads.get(hidden) ?? '')).toEqual([2]);
});

test('differentiate() leaves out what the loss does not depend on', () => {
  const emit = new Emitter('apart');
  const [x, other] = [emit.input('x', 'float32', [2]), emit.input('other', 'float32', [2])];
  emit.op('Tanh', [other]);
  const grads = differentiate(emit, sum(emit, x), [x, other]);
  expect([...grads.keys()]).toEqual(['x']);
});

test('differentiate() visits only nodes on a path from what is asked for', () => {
  const emit = new Emitter('paths');
  const [x, constant] = [emit.input('x', 'float32', [2]), emit.input('constant', 'float32', [2])];
  const unknown = emit.op('Erf', [constant]);
  const beside = emit.op('Floor', [x]);
  expect(beside).not.toBe('');
  const before = emit.graph.nodes.length;
  const grads = differentiate(emit, sum(emit, emit.mul(x, unknown)), [x]);
  expect(grads.has(x)).toBe(true);
  expect(emit.graph.nodes.slice(before).map(({ op }) => op)).not.toContain('Erf');
});

test('differentiate() lets nothing flow through integers', () => {
  const emit = new Emitter('integers');
  const x = emit.input('x', 'float32', [2, 3]);
  const best = emit.castLike(emit.op('ArgMax', [x], { axis: int(1), keepdims: int(1) }), x);
  const grads = differentiate(emit, sum(emit, emit.mul(x, best)), [x]);
  expect([...grads.keys()]).toEqual(['x']);
});

test('differentiate() names the operator and node it has no rule for', () => {
  const emit = new Emitter('unsupported');
  const x = emit.input('x', 'float32', [2]);
  const node = emit.node('Floor', [x]);
  const loss = sum(emit, node.outputs[0] ?? '');
  expect(() => differentiate(emit, loss, [x])).toThrow(
    `Cannot differentiate Floor "${node.name}": no gradient rule`,
  );
});

test('differentiate() refuses a loss that is not one float', () => {
  const emit = new Emitter('losses');
  const x = emit.input('x', 'float32', [2]);
  expect(() => differentiate(emit, x, [x])).toThrow('Cannot differentiate "x": [2] is not a scalar');
  const count = emit.input('count', 'int64', []);
  expect(() => differentiate(emit, count, [count])).toThrow('Cannot differentiate "count": it is int64');
});

test('backpropagate() starts from several known gradients and adds them', () => {
  const emit = new Emitter('seeds');
  const [x, one, two] = [
    emit.input('x', 'float32', [3]),
    emit.input('one', 'float32', [3]),
    emit.input('two', 'float32', [3]),
  ];
  const y = emit.op('Identity', [x]);
  const seeds = [
    { value: y, grad: one },
    { value: x, grad: two },
  ];
  const grad = backpropagate(emit, seeds, [x]).get(x);
  expect(emit.graph.nodes.at(-1)).toMatchObject({ op: 'Add', inputs: [two, one], outputs: [grad] });
});

test('backpropagate() refuses a gradient of other dims than its value', () => {
  const emit = new Emitter('dims');
  const [x, grad] = [emit.input('x', 'float32', [3]), emit.input('grad', 'float32', [2])];
  const seeds = [{ value: x, grad }];
  expect(() => backpropagate(emit, seeds, [x])).toThrow('the gradient of "x" is [2], not [3]');
});

test('rules: every operator that the engine promises can be trained through', () => {
  const promised =
    'Add AveragePool BatchNormalization Clip Concat Conv Div Dropout Flatten Gemm GlobalAveragePool Identity LeakyRelu ' +
    'MatMul MaxPool Mul ReduceMean Relu Reshape Sigmoid Softmax Sub Tanh Transpose';
  expect([...gradientRules.keys()]).toEqual(expect.arrayContaining(promised.split(' ')));
});
