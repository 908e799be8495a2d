import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../../shared/tensor.ts';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { expectAsOrt, f32, infer, title, type NodeCase } from '../single-node.ts';

const zero: Tensor = { dtype: 'int8', dims: [], data: Int8Array.of(0) };
const quantized: Tensor = { dtype: 'int8', dims: [2, 2], data: Int8Array.of(1, 2, 3, 4) };
const cases: NodeCase[] = [
  { op: 'QuantizeLinear', inputs: [f32(2, 3), f32()] },
  { op: 'QuantizeLinear', inputs: [f32(2, 3), f32(), zero] },
  { op: 'DequantizeLinear', inputs: [quantized, f32(), zero] },
  { op: 'DequantizeLinear', inputs: [quantized, f32(2)], attributes: { axis: int(0) } },
];

describe('quantization rules', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('take the asked type where there is no zero point', () => {
    expect(
      infer({ op: 'QuantizeLinear', inputs: [f32(2), f32()], attributes: { output_dtype: int(3) } }),
    ).toEqual([{ dtype: 'int8', dims: [2] }]);
  });
});
