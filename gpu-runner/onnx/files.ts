import {
  closeSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Graph } from './graph.ts';
import { readModel } from './read.ts';
import { writeModel } from './write.ts';

/** Data files begin tensors at multiples of this, so that they can be mapped into memory by pages. */
const alignment = 4096;
/** Smaller tensors (shapes, biases) stay in the model file: they are needed to load it. */
const threshold = 1024;

/**
 * Reads an ONNX file and the data files beside it.
 *
 * @throws {Error} as `readModel`, and when a data file would lie outside the model's folder, by its path or through a link.
 */
export function readModelFile(path: string): Graph {
  const folder = dirname(path);
  const files = new Map<string, Uint8Array>();
  return readModel(readFileSync(path), {
    externalData: (location) => {
      const file = files.get(location) ?? readFileSync(dataFile(folder, location));
      files.set(location, file);
      return file;
    },
  });
}

/** The real path of a data file. @throws {Error} when it is not a file inside the folder. */
function dataFile(folder: string, location: string): string {
  const refuse = (reason: string): Error => new Error(`Cannot read data file "${location}": ${reason}`);
  if (location === '' || isAbsolute(location) || /^[a-z]:|\\/i.test(location))
    throw refuse('its path must be relative');
  if (outside(resolve(folder), resolve(folder, location))) throw refuse("it lies outside the model's folder");
  const path = resolve(folder, location);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw refuse('there is no such file');
  if (outside(realpathSync(folder), realpathSync(path)))
    throw refuse("it is a link that leads outside the model's folder");
  return path;
}

function outside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
}

export interface WriteFileOptions {
  /** The name of a data file in the same folder, for all tensors but the small ones. */
  readonly externalData?: string;
}

/**
 * Writes an ONNX file and, if asked, the data file beside it. Each appears whole or not at all.
 *
 * @throws {Error} as `writeModel`, and when the data file's name is a path.
 */
export function writeModelFile(path: string, graph: Graph, options: WriteFileOptions = {}): void {
  const { externalData } = options;
  if (externalData === undefined) {
    const model = writeModel(graph);
    writeWhole(path, (file) => writeFileSync(file, model));
    return;
  }
  if (externalData !== basename(externalData) || ['', '.', '..', basename(path)].includes(externalData)) {
    throw new Error(
      `Cannot write data file "${externalData}": it must be the name of another file in the same folder`,
    );
  }
  const model = writeWhole(join(dirname(path), externalData), (file) => {
    const data = openSync(file, 'w');
    try {
      return writeModel(graph, { externalData: { threshold, place: appender(data, externalData) } });
    } finally {
      closeSync(data);
    }
  });
  writeWhole(path, (file) => writeFileSync(file, model));
}

/** Writes tensors one after the other, each at an aligned offset. */
function appender(file: number, location: string) {
  let end = 0;
  return (_name: string, bytes: Uint8Array) => {
    const offset = Math.ceil(end / alignment) * alignment;
    for (let written = 0; written < bytes.length;) {
      written += writeSync(file, bytes, written, bytes.length - written, offset + written);
    }
    end = offset + bytes.length;
    return { location, offset, length: bytes.length };
  };
}

/** Through a temporary file beside it, so that a failure leaves what was there. */
function writeWhole<T>(path: string, write: (temporary: string) => T): T {
  const temporary = `${path}.partial`;
  try {
    const result = write(temporary);
    renameSync(temporary, path);
    return result;
  } finally {
    rmSync(temporary, { force: true });
  }
}
