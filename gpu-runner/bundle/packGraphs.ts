/**
 * Graphs as ONNX files whose weights lie in external data files, each distinct weight once however many graphs read it:
 * in `<graph>.weights` when one graph does, in `shared-<n>.weights` when several do, one file a set of readers, so that
 * no graph loads a byte it does not read.
 */
import type { Graph } from '../onnx/graph.ts';
import { tensorBytes } from '../onnx/tensor-proto.ts';
import { writeModel } from '../onnx/write.ts';
import { sha256 } from './bundle.ts';

/** Smaller tensors stay inside the graph: telling where they lie would take as many bytes. */
const externalFromBytes = 64;
/**
 * Weights start at multiples of a cache line, which is also the widest vector register. Pages (4096) would only help to
 * map files into memory, and a Worker gets its bytes from R2.
 */
const alignmentBytes = 64;

export interface NamedGraph {
  /** File name without extension, unique, not starting with "shared-". */
  readonly name: string;
  readonly graph: Graph;
}

/** Paths of a graph's files. */
export interface PackedGraph {
  readonly graph: string;
  readonly weights: string[];
}

export interface PackedGraphs {
  /** One entry a given graph, in order. */
  readonly graphs: PackedGraph[];
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
}

interface Weight {
  readonly bytes: Uint8Array;
  readonly readers: Set<string>;
}

interface Place {
  readonly location: string;
  readonly offset: number;
}

export function packGraphs(graphs: readonly NamedGraph[]): PackedGraphs {
  const weights = collectWeights(graphs);
  const { files, places } = placeWeights(weights);
  const packed = graphs.map(({ name, graph }) => {
    const used = new Set<string>();
    const bytes = writeModel(graph, {
      externalData: {
        threshold: externalFromBytes,
        place(tensor, content) {
          const place = places.get(sha256(content));
          if (!place)
            throw new Error(
              `Cannot pack ${name}: weight "${tensor}" was written differently the second time`,
            );
          used.add(place.location);
          return { ...place, length: content.length };
        },
      },
    });
    files.set(`${name}.onnx`, new Uint8Array(bytes));
    return { graph: `${name}.onnx`, weights: [...used].sort() };
  });
  return { graphs: packed, files };
}

/** Every distinct weight by its digest, and the names of the graphs that read it. */
function collectWeights(graphs: readonly NamedGraph[]): Map<string, Weight> {
  const weights = new Map<string, Weight>();
  for (const { name, graph } of graphs) {
    for (const tensor of graph.initializers.values()) {
      if (tensor.dtype === 'string' || tensor.data.byteLength < externalFromBytes) continue;
      const bytes = tensorBytes(tensor);
      const digest = sha256(bytes);
      const weight = weights.get(digest) ?? { bytes, readers: new Set() };
      weight.readers.add(name);
      weights.set(digest, weight);
    }
  }
  return weights;
}

/** Chooses each weight's file and offset, and writes the files. */
function placeWeights(weights: ReadonlyMap<string, Weight>): {
  files: Map<string, Uint8Array<ArrayBuffer>>;
  places: Map<string, Place>;
} {
  const locations = new Map<string, string>();
  const sizes = new Map<string, number>();
  const places = new Map<string, Place>();
  let sharedFiles = 0;
  for (const [digest, { bytes, readers }] of weights) {
    const [only, ...others] = readers;
    const key = [...readers].sort().join('\n');
    let location = locations.get(key);
    if (location === undefined) {
      location = others.length === 0 ? `${only ?? ''}.weights` : `shared-${(sharedFiles += 1)}.weights`;
      locations.set(key, location);
    }
    const offset = Math.ceil((sizes.get(location) ?? 0) / alignmentBytes) * alignmentBytes;
    places.set(digest, { location, offset });
    sizes.set(location, offset + bytes.length);
  }
  const files = new Map([...sizes].map(([location, size]) => [location, new Uint8Array(size)]));
  for (const [digest, { location, offset }] of places) {
    files.get(location)?.set(weights.get(digest)?.bytes ?? [], offset);
  }
  return { files, places };
}
