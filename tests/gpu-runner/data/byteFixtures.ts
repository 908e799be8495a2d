/** Files written byte by byte from their specifications: what the readers are held against. */
import { crc32, deflateRawSync, deflateSync } from 'node:zlib';

const latin = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

const u16 = (value: number): number[] => [value & 255, (value >> 8) & 255];
const u32 = (value: number): number[] => [...u16(value), ...u16(value >>> 16)];
const u32big = (value: number): number[] => u32(value).reverse();

export function join(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
}

/** numpy.lib.format, version 1.0. `descr` may be anything Python writes, e.g. `'<f4'`. */
export function npy(
  descr: string,
  shape: readonly number[],
  elements: Uint8Array | readonly number[],
  fortran = false,
): Uint8Array<ArrayBuffer> {
  const dims = shape.length === 1 ? `${shape[0] ?? 0},` : shape.join(', ');
  const text = `{'descr': ${descr}, 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${dims}), }`;
  const padded = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n';
  return join([0x93], latin('NUMPY'), [1, 0], u16(padded.length), latin(padded), elements);
}

export interface ZipEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly deflated?: boolean;
  /** Lies, to be found out. */
  readonly crc?: number;
  readonly sizeBytes?: number;
  readonly flags?: number;
}

/** PKWARE APPNOTE 6.3: local headers and data, the central directory, its end. */
export function zip(entries: readonly ZipEntry[]): Uint8Array<ArrayBuffer> {
  const locals: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const entry of entries) {
    const data = entry.deflated ? deflateRawSync(entry.bytes) : entry.bytes;
    const name = latin(entry.name);
    const common = [
      ...u16(entry.flags ?? 0),
      ...u16(entry.deflated ? 8 : 0),
      ...u32(0),
      ...u32(entry.crc ?? crc32(entry.bytes)),
      ...u32(data.length),
      ...u32(entry.sizeBytes ?? entry.bytes.length),
      ...u16(name.length),
      ...u16(0),
    ];
    const local = join([0x50, 0x4b, 3, 4, ...u16(20)], common, name, data);
    directory.push(
      join(
        [0x50, 0x4b, 1, 2, ...u16(20), ...u16(20)],
        common,
        u16(0),
        u16(0),
        u16(0),
        u32(0),
        u32(offset),
        name,
      ),
    );
    locals.push(local);
    offset += local.length;
  }
  const list = join(...directory);
  const count = u16(entries.length);
  const end = [
    0x50,
    0x4b,
    5,
    6,
    ...u32(0),
    ...count,
    ...count,
    ...u32(list.length),
    ...u32(offset),
    ...u16(0),
  ];
  return join(...locals, list, end);
}

/** POSIX ustar: a header of 512 bytes, the contents filled up to 512, two empty blocks at the end. */
export function tar(
  entries: readonly {
    readonly name: string;
    readonly bytes: Uint8Array;
    /** Type flag 1 a hard link, 2 a symbolic one, and where it leads. */
    readonly link?: { readonly flag: '1' | '2'; readonly to: string };
  }[],
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const { name, bytes, link } of entries) {
    const header = new Uint8Array(512);
    const write = (at: number, text: string): void => header.set(latin(text), at);
    write(0, name);
    write(100, '0000644\0');
    write(108, '0000000\0');
    write(116, '0000000\0');
    write(124, `${bytes.length.toString(8).padStart(11, '0')}\0`);
    write(136, '00000000000\0');
    write(148, '        ');
    write(156, link?.flag ?? (name.endsWith('/') ? '5' : '0'));
    write(157, link?.to ?? '');
    write(257, 'ustar\0' + '00');
    const sum = header.reduce((total, byte) => total + byte, 0);
    write(148, `${sum.toString(8).padStart(6, '0')}\0 `);
    const filled = new Uint8Array(Math.ceil(bytes.length / 512) * 512);
    filled.set(bytes);
    parts.push(header, filled);
  }
  return join(...parts, new Uint8Array(1024));
}

/**
 * A PNG (ISO 15948), filter 0, 8 or 16 bits.
 *
 * @param colour 0 grey, 2 RGB, 4 grey and alpha, 6 RGB and alpha
 * @param rows bytes of each row, channels together
 */
export function png(
  width: number,
  colour: 0 | 2 | 4 | 6,
  rows: readonly (readonly number[])[],
  bits: 8 | 16 = 8,
): Uint8Array<ArrayBuffer> {
  const chunk = (type: string, data: Uint8Array | readonly number[]): Uint8Array => {
    const body = join(latin(type), data);
    return join(u32big(data.length), body, u32big(crc32(body)));
  };
  const header = [...u32big(width), ...u32big(rows.length), bits, colour, 0, 0, 0];
  const scanlines = Uint8Array.from(rows.flatMap((row) => [0, ...row]));
  return join(
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(scanlines)),
    chunk('IEND', []),
  );
}

/**
 * A grey baseline JPEG (ITU-T T.81) of 8 x 8 pixels of one value: only the DC coefficient, quantised by 8, so that the
 * value is 128 plus the coefficient.
 */
export function flatJpeg(value: number): Uint8Array<ArrayBuffer> {
  const coefficient = value - 128;
  const category = coefficient === 0 ? 0 : Math.floor(Math.log2(Math.abs(coefficient))) + 1;
  const amplitude = coefficient < 0 ? coefficient + 2 ** category - 1 : coefficient;
  // The code of the category is one 0, then the amplitude, then the code of end-of-block, filled up with ones.
  const bits = `0${category === 0 ? '' : amplitude.toString(2).padStart(category, '0')}0`.padEnd(16, '1');
  const data = [parseInt(bits.slice(0, 8), 2), parseInt(bits.slice(8), 2)].flatMap((byte) =>
    byte === 255 ? [255, 0] : [byte],
  );
  const oneCode = [1, ...Array<number>(15).fill(0)];
  return join(
    [0xff, 0xd8],
    [0xff, 0xdb, 0, 67, 0, ...Array<number>(64).fill(8)],
    [0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0],
    [0xff, 0xc4, 0, 20, 0x00, ...oneCode, category],
    [0xff, 0xc4, 0, 20, 0x10, ...oneCode, 0],
    [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0],
    data,
    [0xff, 0xd9],
  );
}
