import { TrunklineError } from '../../../shared/errors.ts';
import { dataTypes, elementCount, type DataType, type Tensor } from '../../../shared/tensor.ts';

// Tensors as raw bytes: little-endian (as every engine that runs this is), row-major, no padding; BYTES elements as a
// uint32 length and the bytes. Open Inference Protocol, binary tensor data extension.

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws {TrunklineError} `invalid`, when the bytes are not those of such a tensor. `label` names it in messages. */
export function decodeBinary(
  label: string,
  dtype: DataType,
  dims: readonly number[],
  bytes: Uint8Array,
): Tensor {
  const count = elementCount(dims);
  const size = dataTypes[dtype].bytes;
  if (size !== null && count * size !== bytes.length) {
    throw new TrunklineError(
      'invalid',
      `${label} has ${bytes.length} bytes of binary data, its shape [${dims.join(', ')}] takes ${count} x ${size} = ${count * size}`,
    );
  }
  // A copy, because typed arrays must start at a multiple of their element size and a body's parts need not.
  const { buffer } = bytes.slice();
  switch (dtype) {
    case 'float32':
      return { dtype, dims, data: new Float32Array(buffer) };
    case 'float64':
      return { dtype, dims, data: new Float64Array(buffer) };
    case 'int8':
      return { dtype, dims, data: new Int8Array(buffer) };
    case 'int16':
      return { dtype, dims, data: new Int16Array(buffer) };
    case 'int32':
      return { dtype, dims, data: new Int32Array(buffer) };
    case 'int64':
      return { dtype, dims, data: new BigInt64Array(buffer) };
    case 'uint8':
      return { dtype, dims, data: new Uint8Array(buffer) };
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return { dtype, dims, data: new Uint16Array(buffer) };
    case 'uint32':
      return { dtype, dims, data: new Uint32Array(buffer) };
    case 'uint64':
      return { dtype, dims, data: new BigUint64Array(buffer) };
    case 'bool': {
      const data = new Uint8Array(buffer);
      const wrong = data.findIndex((value) => value > 1);
      if (wrong >= 0) {
        throw new TrunklineError(
          'invalid',
          `${label}: element ${wrong} is ${data[wrong] ?? ''}, BOOL takes 0 or 1`,
        );
      }
      return { dtype, dims, data };
    }
    case 'string':
      return { dtype, dims, data: decodeStrings(label, count, bytes) };
  }
}

function decodeStrings(label: string, count: number, bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strings: string[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const length = at + 4 <= bytes.length ? view.getUint32(at, true) : Infinity;
    if (at + 4 + length > bytes.length) {
      throw new TrunklineError(
        'invalid',
        `${label}: its ${bytes.length} bytes of binary data end inside element ${i} of ${count}`,
      );
    }
    try {
      strings.push(utf8.decode(bytes.subarray(at + 4, at + 4 + length)));
    } catch {
      throw new TrunklineError('invalid', `${label}: element ${i} is not UTF-8 text`);
    }
    at += 4 + length;
  }
  if (at < bytes.length) {
    throw new TrunklineError(
      'invalid',
      `${label} has ${bytes.length} bytes of binary data, its ${count} elements take ${at}`,
    );
  }
  return strings;
}

export function encodeBinary(tensor: Tensor): Uint8Array {
  if (tensor.dtype !== 'string') {
    return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  }
  const encoded = tensor.data.map((text) => new TextEncoder().encode(text));
  const whole = new Uint8Array(encoded.reduce((sum, bytes) => sum + 4 + bytes.length, 0));
  const view = new DataView(whole.buffer);
  let at = 0;
  for (const bytes of encoded) {
    view.setUint32(at, bytes.length, true);
    whole.set(bytes, at + 4);
    at += 4 + bytes.length;
  }
  return whole;
}
