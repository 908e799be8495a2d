/**
 * Clears the "shared" flag of a WebAssembly module's one imported memory.
 *
 * onnxruntime-web ships only a threaded build, whose memory is shared. Workers run one thread and promise no
 * SharedArrayBuffer; with an ordinary memory the same code runs there, and faster, since its atomics are never contended.
 * Binary layout: WebAssembly core specification 2.0, section 5.5 (modules) with the threads proposal's limits flags.
 */

const importSection = 2;
/** Limits flags: bit 0 "has a maximum", bit 1 "shared". */
const sharedWithMaximum = 3;
const unsharedWithMaximum = 1;

class Reader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw new RangeError(`Cannot read the module: it ends at byte ${this.at}`);
    this.at += 1;
    return value;
  }

  /** An unsigned LEB128 number of up to 32 bits. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`Cannot read the module: no number ends before byte ${this.at}`);
  }

  skip(count: number): void {
    this.at += count;
    if (this.at > this.bytes.length)
      throw new RangeError(`Cannot read the module: it ends before byte ${this.at}`);
  }

  limits(): { flagsAt: number; flags: number } {
    const flagsAt = this.at;
    const flags = this.byte();
    this.number();
    if (flags & 1) this.number();
    return { flagsAt, flags };
  }
}

/** Reads one import and answers its limits when it is a memory. */
const readImport = (reader: Reader): { flagsAt: number; flags: number } | undefined => {
  reader.skip(reader.number()); // module name
  reader.skip(reader.number()); // field name
  const kind = reader.byte();
  switch (kind) {
    case 0: // function: its type's index
      reader.number();
      return undefined;
    case 1: // table: element type, limits
      reader.byte();
      reader.limits();
      return undefined;
    case 2:
      return reader.limits();
    case 3: // global: value type, mutability
      reader.skip(2);
      return undefined;
    case 4: // tag: attribute, its type's index
      reader.byte();
      reader.number();
      return undefined;
    default:
      throw new RangeError(`Cannot read the module: unknown import kind ${kind} at byte ${reader.at - 1}`);
  }
};

/**
 * A copy of `module` (the bytes of a .wasm file) that imports its memory unshared. One byte differs.
 *
 * @throws {RangeError} unless the module imports exactly one memory and that one is shared and has a maximum.
 */
export const unshareMemory = (module: Uint8Array): Uint8Array => {
  const reader = new Reader(module);
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  if (header.some((byte, i) => module[i] !== byte))
    throw new RangeError('Cannot read the module: it is not WebAssembly 1');
  reader.skip(header.length);

  const memories: { flagsAt: number; flags: number }[] = [];
  while (reader.at < module.length) {
    const id = reader.byte();
    const size = reader.number();
    if (id !== importSection) {
      reader.skip(size);
      continue;
    }
    for (let left = reader.number(); left > 0; left -= 1) {
      const memory = readImport(reader);
      if (memory) memories.push(memory);
    }
  }

  const [memory, ...others] = memories;
  if (!memory || others.length > 0)
    throw new RangeError(`Cannot unshare: the module imports ${memories.length} memories, not one`);
  if (memory.flags !== sharedWithMaximum) {
    throw new RangeError(
      `Cannot unshare: the limits flags of its memory are ${memory.flags}, not ${sharedWithMaximum} (shared)`,
    );
  }
  // Not slice(): of a Buffer that is a view, and the original would change too.
  const unshared = new Uint8Array(module);
  unshared[memory.flagsAt] = unsharedWithMaximum;
  return unshared;
};
