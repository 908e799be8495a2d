// Whether a stored file is an ONNX model at all, found out without reading it whole: a model is a protobuf message whose
// few outer fields say how long they are, so their headers can be hopped along. What is inside the graph is for the
// runtime to judge; this keeps out a wrong file, a truncated upload or a web page saved under the name of a model.

/** Reads `length` bytes at `offset`, fewer where the file ends. */
export type ReadRange = (offset: number, length: number) => Promise<Uint8Array>;

const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const field = { irVersion: 1, graph: 7, opsetImport: 8 } as const;

/** The outer fields of onnx.proto's ModelProto with their wire types; unknown numbers are a newer format's and skipped. */
const modelFields = new Map<number, number>([
  [field.irVersion, wire.varint],
  [2, wire.bytes], // producer_name
  [3, wire.bytes], // producer_version
  [4, wire.bytes], // domain
  [5, wire.varint], // model_version
  [6, wire.bytes], // doc_string
  [field.graph, wire.bytes],
  [field.opsetImport, wire.bytes],
  [14, wire.bytes], // metadata_props
  [20, wire.bytes], // training_info
  [25, wire.bytes], // functions
]);

/** Bytes fetched at once: small fields before and after the graph then cost one read each side. */
const windowBytes = 4096;
/** Reads a file may cost. More means a file made to waste our time, or megabytes of metadata in front of a graph. */
const maxReads = 16;
/** A tag and a length: two varints of at most ten bytes. And the first tag inside the graph. */
const headerBytes = 30;

/**
 * Why the file is not an ONNX model, as the end of a sentence ("it ..."), or null when it looks like one.
 *
 * Checks the outer fields' types and lengths to the last byte, and that there is a format version, a graph and an opset.
 */
export async function findOnnxFault(sizeBytes: number, read: ReadRange): Promise<string | null> {
  const seen = new Set<number>();
  let window: Uint8Array = new Uint8Array(0);
  let windowStart = 0;
  let reads = 0;
  let offset = 0;
  while (offset < sizeBytes) {
    const needed = Math.min(offset + headerBytes, sizeBytes);
    if (offset < windowStart || needed > windowStart + window.length) {
      if (++reads > maxReads) return `has its parts too far apart to be checked in ${maxReads} reads`;
      window = await read(offset, Math.min(windowBytes, sizeBytes - offset));
      windowStart = offset;
    }
    const header = readHeader(window.subarray(offset - windowStart));
    if (header === null) return `has no protobuf field at byte ${offset}`;
    const expected = modelFields.get(header.number);
    if (expected !== undefined && header.wireType !== expected) {
      return `has field ${header.number} of wire type ${header.wireType} at byte ${offset} where ONNX has ${expected}`;
    }
    if (header.number === field.graph && header.firstInnerWireType !== wire.bytes) {
      return `has something else than a graph at byte ${offset}`;
    }
    offset += header.sizeBytes;
    if (offset > sizeBytes) return `ends at byte ${sizeBytes}, in the middle of field ${header.number}`;
    seen.add(header.number);
  }
  if (!seen.has(field.irVersion)) return 'has no ir_version';
  if (!seen.has(field.graph)) return 'has no graph';
  if (!seen.has(field.opsetImport)) return 'has no opset_import';
  return null;
}

interface FieldHeader {
  number: number;
  wireType: number;
  /** Of the whole field, its header included. */
  sizeBytes: number;
  /** Wire type of the first field inside, should this be a message; null when it is empty. */
  firstInnerWireType: number | null;
}

function readHeader(bytes: Uint8Array): FieldHeader | null {
  const tag = readVarint(bytes, 0);
  if (tag === null) return null;
  const number = Math.floor(tag.value / 8);
  const wireType = tag.value % 8;
  if (number < 1) return null;
  const header = { number, wireType, firstInnerWireType: null };
  switch (wireType) {
    case wire.fixed64:
      return { ...header, sizeBytes: tag.end + 8 };
    case wire.fixed32:
      return { ...header, sizeBytes: tag.end + 4 };
    case wire.varint: {
      const value = readVarint(bytes, tag.end);
      return value && { ...header, sizeBytes: value.end };
    }
    case wire.bytes: {
      const length = readVarint(bytes, tag.end);
      if (length === null) return null;
      const inner = length.value > 0 ? readVarint(bytes, length.end) : null;
      return {
        ...header,
        sizeBytes: length.end + length.value,
        firstInnerWireType: inner && inner.value % 8,
      };
    }
    default:
      return null;
  }
}

/** Null when the bytes end first or the varint is longer than ten. Values beyond 2^53 lose precision, not sense. */
function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } | null {
  let value = 0;
  let scale = 1;
  for (let i = start; i < start + 10; i++) {
    const byte = bytes[i];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: i + 1 };
    scale *= 128;
  }
  return null;
}
