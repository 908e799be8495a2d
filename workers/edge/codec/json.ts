import { TrunklineError } from '../../../shared/errors.ts';
import { dataTypes, elementCount, type DataType, type Tensor } from '../../../shared/tensor.ts';
import { limits } from '../limits.ts';

// Tensors as JSON: a flat array in row-major order, or arrays nested as the shape says. Open Inference Protocol, section
// "Tensor Data". 16-bit floats have no JSON form there.

const integerRanges = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  // Beyond 2^53 a JSON number may already be another one than the client wrote.
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, Number.MAX_SAFE_INTEGER],
} as const;

/** @throws {TrunklineError} `invalid`, when `value` is not such a tensor's data. `label` names it in messages. */
export function decodeJson(label: string, dtype: DataType, dims: readonly number[], value: unknown): Tensor {
  const elements = flatten(label, dims, value);
  const wrong = (i: number, why: string): TrunklineError =>
    new TrunklineError(
      'invalid',
      `${label}: element ${i} is ${quote(elements[i])}, ${dataTypes[dtype].oip} takes ${why}`,
    );
  const numbers = (largest: number): number[] => {
    elements.forEach((element, i) => {
      if (typeof element !== 'number') throw wrong(i, 'numbers');
      if (Math.abs(element) > largest) throw wrong(i, `numbers up to ${largest}`);
    });
    return elements as number[];
  };
  const integers = (type: keyof typeof integerRanges): number[] => {
    const [least, largest] = integerRanges[type];
    const hint = dataTypes[type].bytes === 8 ? ' (larger ones in binary)' : '';
    elements.forEach((element, i) => {
      if (!Number.isInteger(element) || (element as number) < least || (element as number) > largest) {
        throw wrong(i, `whole numbers from ${least} to ${largest}${hint}`);
      }
    });
    return elements as number[];
  };
  switch (dtype) {
    case 'float32':
      return { dtype, dims, data: Float32Array.from(numbers(3.4028234663852886e38)) };
    case 'float64':
      return { dtype, dims, data: Float64Array.from(numbers(Number.MAX_VALUE)) };
    case 'int8':
      return { dtype, dims, data: Int8Array.from(integers(dtype)) };
    case 'int16':
      return { dtype, dims, data: Int16Array.from(integers(dtype)) };
    case 'int32':
      return { dtype, dims, data: Int32Array.from(integers(dtype)) };
    case 'int64':
      return { dtype, dims, data: BigInt64Array.from(integers(dtype), BigInt) };
    case 'uint8':
      return { dtype, dims, data: Uint8Array.from(integers(dtype)) };
    case 'uint16':
      return { dtype, dims, data: Uint16Array.from(integers(dtype)) };
    case 'uint32':
      return { dtype, dims, data: Uint32Array.from(integers(dtype)) };
    case 'uint64':
      return { dtype, dims, data: BigUint64Array.from(integers(dtype), BigInt) };
    case 'bool': {
      elements.forEach((element, i) => {
        if (element !== true && element !== false && element !== 0 && element !== 1)
          throw wrong(i, 'true or false');
      });
      return { dtype, dims, data: Uint8Array.from(elements as number[], Number) };
    }
    case 'string': {
      elements.forEach((element, i) => {
        if (typeof element !== 'string') throw wrong(i, 'strings');
      });
      return { dtype, dims, data: elements as string[] };
    }
    case 'float16':
    case 'bfloat16':
      throw new TrunklineError(
        'invalid',
        `${label}: ${dataTypes[dtype].oip} has no JSON form, send it as binary data`,
      );
  }
}

/**
 * A flat array for the reply's `data`. `label` names it in messages.
 *
 * @throws {TrunklineError} `invalid`, when JSON cannot say it: 16-bit floats, whole numbers beyond 2^53, NaN and infinity;
 *   `too-large`, when its text would take too much memory.
 */
export function encodeJson(label: string, tensor: Tensor): unknown[] {
  if (tensor.data.length > limits.jsonReplyElements) {
    throw new TrunklineError(
      'too-large',
      `${label} is too large for JSON: ${tensor.data.length} elements, the limit is ${limits.jsonReplyElements}; ask for it with "binary_data": true`,
    );
  }
  switch (tensor.dtype) {
    case 'float32':
    case 'float64': {
      const odd = tensor.data.findIndex((value) => !Number.isFinite(value));
      if (odd >= 0) throw inBinary(label, `element ${odd} is ${tensor.data[odd] ?? ''}`);
      return Array.from(tensor.data);
    }
    case 'int64':
    case 'uint64': {
      const data: bigint[] = Array.from(tensor.data);
      const large = data.find((value) => !Number.isSafeInteger(Number(value)));
      if (large !== undefined) throw inBinary(label, `it has the element ${large}`);
      return data.map(Number);
    }
    case 'float16':
    case 'bfloat16':
      throw inBinary(label, `its type is ${dataTypes[tensor.dtype].oip}`);
    case 'bool':
      return Array.from(tensor.data, (value) => value !== 0);
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'string':
      return Array.from<unknown>(tensor.data);
  }
}

const inBinary = (label: string, why: string): TrunklineError =>
  new TrunklineError('invalid', `${label} has no JSON form, ${why}: ask for it with "binary_data": true`);

function flatten(label: string, dims: readonly number[], value: unknown): unknown[] {
  const count = elementCount(dims);
  if (!Array.isArray(value)) throw new TrunklineError('invalid', `${label}: data must be an array`);
  const shape = `[${dims.join(', ')}]`;
  const list: unknown[] = value;
  if (!list.some(Array.isArray)) {
    if (list.length === count) return list;
    throw new TrunklineError(
      'invalid',
      `${label}: data has ${list.length} elements, its shape ${shape} takes ${count}`,
    );
  }
  const flat: unknown[] = [];
  const descend = (part: unknown, depth: number): void => {
    if (depth === dims.length) {
      flat.push(part);
      return;
    }
    if (!Array.isArray(part) || part.length !== dims[depth]) {
      const found = Array.isArray(part) ? `${part.length} elements` : quote(part);
      throw new TrunklineError(
        'invalid',
        `${label}: data has ${found} where dimension ${depth} of its shape ${shape} takes an array of ${dims[depth] ?? 0}`,
      );
    }
    for (const inner of part as unknown[]) descend(inner, depth + 1);
  };
  descend(list, 0);
  return flat;
}

/** Enough of a value to recognise it by. */
const quote = (value: unknown): string => {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
};
