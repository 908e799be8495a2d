import { describe, expect, it } from 'vitest';
import {
  floatOf,
  floatsOf,
  intOf,
  intsOf,
  stringOf,
  stringsOf,
  tensorOf,
} from '../../../gpu-runner/onnx/attributes.ts';
import { float, int, ints, string, type Attribute, type Node } from '../../../gpu-runner/onnx/graph.ts';
import { f32 } from './single-node.ts';

const node = (attributes: Record<string, Attribute>): Node => ({
  name: 'n',
  op: 'Op',
  domain: '',
  inputs: [],
  outputs: [],
  attributes,
});

describe('attribute readers', () => {
  it('give the value of their kind', () => {
    expect(intOf(node({ a: int(0) }), 'a', 5)).toBe(0);
    expect(intsOf(node({ a: ints([1, 2]) }), 'a')).toEqual([1, 2]);
    expect(floatOf(node({ a: float(0.5) }), 'a')).toBe(0.5);
    expect(floatsOf(node({ a: { type: 'floats', value: [1.5] } }), 'a')).toEqual([1.5]);
    expect(stringOf(node({ a: string('') }), 'a', 'else')).toBe('');
    expect(stringsOf(node({ a: { type: 'strings', value: ['x'] } }), 'a')).toEqual(['x']);
    expect(tensorOf(node({ a: { type: 'tensor', value: f32(2) } }), 'a')).toEqual(f32(2));
  });

  it('give the fallback, or undefined, where the node does not set it', () => {
    expect(intOf(node({}), 'a', 5)).toBe(5);
    expect(intOf(node({}), 'a')).toBeUndefined();
    expect(intOf(node({}), 'toString')).toBeUndefined();
  });

  it('refuse another kind', () => {
    expect(() => intOf(node({ a: float(1) }), 'a')).toThrow(
      'Cannot read Op "n": attribute "a" has type float, expected int',
    );
  });
});
