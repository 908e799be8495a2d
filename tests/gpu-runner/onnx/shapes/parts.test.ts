import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { int, string } from '../../../../gpu-runner/onnx/graph.ts';
import { sliceLength } from '../../../../gpu-runner/onnx/shapes/parts.ts';
import { expectAsOrt, f32, i64, infer, title, type NodeCase } from '../single-node.ts';

const most = 2 ** 62;
const cases: NodeCase[] = [
  { op: 'Concat', inputs: [f32(2, 3), f32(2, 5), f32(2, 1)], attributes: { axis: int(-1) } },
  { op: 'Concat', inputs: [f32(2, 3)], attributes: { axis: int(0) } },
  { op: 'Split', inputs: [f32(2, 7), i64([3, 4])], attributes: { axis: int(1) }, outputs: 2 },
  { op: 'Split', inputs: [f32(7, 2)], attributes: { num_outputs: int(3) }, outputs: 3 },
  { op: 'Split', inputs: [f32(6, 2)], attributes: { num_outputs: int(2), axis: int(-2) }, outputs: 2 },
  { op: 'Slice', inputs: [f32(5, 6), i64([1]), i64([3])] },
  { op: 'Slice', inputs: [f32(5, 6), i64([1, -4]), i64([most, -1]), i64([0, 1]), i64([2, 2])] },
  { op: 'Slice', inputs: [f32(5, 6), i64([-1]), i64([-most]), i64([-1]), i64([-2])] },
  { op: 'Slice', inputs: [f32(5, 6), i64([4]), i64([1]), i64([0])] },
  { op: 'Slice', inputs: [f32(5, 6), i64([0]), i64([most]), i64([0])] },
  { op: 'Pad', inputs: [f32(2, 3), i64([1, 0, 0, 2])] },
  { op: 'Pad', inputs: [f32(4, 5), i64([-1, 2, -1, 0])] },
  { op: 'Pad', inputs: [f32(2, 3, 4), i64([1, 2]), null, i64([-1])], attributes: { mode: string('edge') } },
];

describe('rules of parts', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('sliceLength() counts what stepping through the elements takes', () => {
    const index = fc.integer({ min: -12, max: 12 });
    const step = fc.integer({ min: -4, max: 4 }).filter((value) => value !== 0);
    fc.assert(
      fc.property(fc.nat(8), index, index, step, (size, start, end, by) => {
        const wrap = (at: number) => (at < 0 ? at + size : at);
        const first =
          by > 0 ? Math.min(Math.max(wrap(start), 0), size) : Math.min(Math.max(wrap(start), -1), size - 1);
        let count = 0;
        for (let at = first; at >= 0 && at < size && (by > 0 ? at < wrap(end) : at > wrap(end)); at += by)
          count += 1;
        expect(sliceLength(size, start, end, by)).toBe(count);
      }),
    );
  });

  it('refuse parts that do not fit', () => {
    expect(() =>
      infer({ op: 'Concat', inputs: [f32(2, 3), f32(3, 3)], attributes: { axis: int(1) } }),
    ).toThrow('dimension 0 differs between inputs: 2 against 3');
    expect(() => infer({ op: 'Concat', inputs: [f32(2, 3), f32(2)], attributes: { axis: int(0) } })).toThrow(
      'cannot join [2,3] and [2]',
    );
    expect(() => infer({ op: 'Concat', inputs: [f32(2)] })).toThrow('"axis" is missing');
    expect(() => infer({ op: 'Split', inputs: [f32(5), i64([3, 3])], outputs: 2 })).toThrow('5 against 6');
    expect(() => infer({ op: 'Split', inputs: [f32(5), i64([5])], outputs: 2 })).toThrow(
      '1 sizes for 2 outputs',
    );
    expect(() =>
      infer({ op: 'Split', inputs: [f32(5)], attributes: { num_outputs: int(3) }, outputs: 2 }),
    ).toThrow('num_outputs is 3');
    expect(() => infer({ op: 'Slice', inputs: [f32(5), i64([0]), i64([1]), i64([0]), i64([0])] })).toThrow(
      'a step of 0',
    );
    expect(() => infer({ op: 'Pad', inputs: [f32(2, 3), i64([1, 1])] })).toThrow('2 pads for 2 axes');
    expect(() => infer({ op: 'Pad', inputs: [f32(2), i64([-3, 0])] })).toThrow(
      'pads take more than axis 0 has (2)',
    );
  });
});
