import { expect, it } from 'vitest';
import { gradientError } from '../gradientCheck.ts';
import { meanPool } from './windowReference.ts';

it.each([[[2, 3, 4, 5]], [[2, 3, 7]], [[1, 2, 3, 2, 4]], [[3, 2, 1, 1]]])(
  'globalAveragePool() agrees with central differences of the definition, input %j',
  async (dims) => {
    const error = await gradientError({
      inputs: { x: dims },
      dtype: 'float32',
      build: (emit, { x = '' }) => emit.op('GlobalAveragePool', [x]),
      reference: ({ x }) => {
        if (!x) throw new Error('no input');
        return meanPool(x, { kernel: dims.slice(2) }, false);
      },
    });
    expect(error).toBeLessThan(1e-5);
  },
);
