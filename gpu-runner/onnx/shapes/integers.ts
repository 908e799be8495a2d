import { elementCount } from '../../../shared/tensor.ts';
import { intOf, tensorOf } from '../attributes.ts';
import type { Dim } from '../graph.ts';
import { integersOf, type ShapeContext } from './context.ts';
import { shapeSlice } from './sources.ts';

/** Shapes are short: longer integer values are data, not shapes. */
const longest = 64;

const arithmetic: Record<string, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => Math.trunc(a / b),
};

function calculate(op: string, a: readonly Dim[], b: readonly Dim[]): readonly Dim[] | undefined {
  const apply = arithmetic[op];
  const length = Math.max(a.length, b.length);
  if (!apply || (a.length !== length && a.length !== 1) || (b.length !== length && b.length !== 1))
    return undefined;
  return Array.from({ length }, (_, index): Dim => {
    const [x, y] = [a[a.length === 1 ? 0 : index], b[b.length === 1 ? 0 : index]];
    if (typeof x === 'number' && typeof y === 'number') return apply(x, y);
    // Times or divided by one, plus or minus nothing: the symbol stays.
    const neutral = op === 'Mul' || op === 'Div' ? 1 : 0;
    return y === neutral ? (x ?? null) : x === neutral && (op === 'Mul' || op === 'Add') ? (y ?? null) : null;
  });
}

/**
 * The elements of a small integer value of rank 0 or 1 that is computed from shapes (Shape -> Gather -> Concat -> Reshape,
 * as exporters write a flatten), symbolic dimensions kept; undefined where the node computes anything else.
 */
export function inferIntegers(context: ShapeContext): readonly Dim[] | undefined {
  const { node } = context;
  switch (node.op) {
    case 'Shape':
      return shapeSlice(context);
    case 'Constant': {
      const tensor = tensorOf(node, 'value');
      return tensor && tensor.dims.length < 2 && elementCount(tensor.dims) <= longest
        ? integersOf(tensor)
        : undefined;
    }
    case 'Identity':
    case 'Cast':
    case 'Squeeze':
    case 'Unsqueeze':
      return context.integers(0);
    case 'Concat': {
      const pieces = node.inputs.map((_, index) => context.integers(index));
      return pieces.every((piece) => piece !== undefined) ? pieces.flat() : undefined;
    }
    case 'Gather': {
      const values = context.integers(0);
      const picks = context.integers(1);
      if (!values || context.dims(0).length !== 1 || context.dims(1).length > 1) return undefined;
      return picks?.map((pick) => (typeof pick === 'number' ? (values.at(pick) ?? null) : null));
    }
    case 'Slice': {
      const [values, starts, ends] = [context.integers(0), context.integers(1), context.integers(2)];
      const [start, end] = [starts?.[0], ends?.[0]];
      const step = context.has(4) ? context.integers(4)?.[0] : 1;
      return typeof start === 'number' && typeof end === 'number' && step === 1
        ? values?.slice(start, end)
        : undefined;
    }
    case 'Add':
    case 'Sub':
    case 'Mul':
    case 'Div': {
      const [a, b] = [context.integers(0), context.integers(1)];
      return a && b ? calculate(node.op, a, b) : undefined;
    }
    case 'ReduceProd': {
      const values = context.integers(0);
      const total = values?.reduce<Dim>(
        (sum, value) => (sum === null ? null : (calculate('Mul', [sum], [value])?.[0] ?? null)),
        1,
      );
      return total === undefined || intOf(node, 'noop_with_empty_axes', 0) !== 0 ? undefined : [total];
    }
    default:
      return undefined;
  }
}
