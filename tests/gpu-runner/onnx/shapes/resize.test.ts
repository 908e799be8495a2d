import { describe, expect, it } from 'vitest';
import { ints, string } from '../../../../gpu-runner/onnx/graph.ts';
import { expectAsOrt, f32, i64, infer, title, type NodeCase } from '../single-node.ts';

const scales = (...values: number[]) =>
  ({ dtype: 'float32', dims: [values.length], data: Float32Array.from(values) }) as const;
const cases: NodeCase[] = [
  { op: 'Resize', inputs: [f32(1, 2, 3, 4), null, null, i64([1, 2, 6, 5])] },
  { op: 'Resize', inputs: [f32(1, 2, 3, 4), null, null, i64([7, 5])], attributes: { axes: ints([2, 3]) } },
];

describe('the Resize rule', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('multiplies by constant scales and drops fractions', () => {
    expect(infer({ op: 'Resize', inputs: [f32(1, 2, 3, 5), null, scales(1, 1, 2, 0.5)] })[0]?.dims).toEqual([
      1, 2, 6, 2,
    ]);
  });

  it('refuses as many sizes as there are not axes, and policies', () => {
    expect(() => infer({ op: 'Resize', inputs: [f32(1, 2), null, null, i64([3])] })).toThrow(
      '1 sizes or scales for [1,2]',
    );
    const policy = { keep_aspect_ratio_policy: string('not_larger') };
    expect(() =>
      infer({ op: 'Resize', inputs: [f32(1, 2), null, null, i64([3, 4])], attributes: policy }),
    ).toThrow('only supported as "stretch"');
  });
});
