import { packGraphs, type NamedGraph } from '../../gpu-runner/bundle/packGraphs.ts';
import { sealBundle, sha256, type Bundle } from '../../gpu-runner/bundle/bundle.ts';
import { Graph, type Node } from '../../gpu-runner/onnx/graph.ts';
import type { Manifest, TensorSpec } from '../../shared/manifest.ts';
import { dataTypes, type DataType, type Tensor } from '../../shared/tensor.ts';

// Small real bundles over x [N, 4]: two tasks, a trunk of one dense layer, one dense layer a head.

interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly relu: boolean;
  readonly seed: number;
}
const trunkLayer: Layer = { inputs: 4, outputs: 30, relu: true, seed: 1 };
const headLayers = {
  digit: { inputs: 30, outputs: 3, relu: false, seed: 2 },
  fashion: { inputs: 30, outputs: 5, relu: false, seed: 3 },
};
export type TaskName = keyof typeof headLayers;
export const taskNames: readonly TaskName[] = ['digit', 'fashion'];
export const labels: Record<TaskName, string[]> = {
  digit: ['zero', 'one', 'two'],
  fashion: ['shirt', 'coat', 'bag', 'boot', 'dress'],
};

const dataTypeNames = Object.keys(dataTypes) as DataType[];
const spec = (name: string, width: number): TensorSpec => ({ name, dtype: 'float32', dims: [-1, width] });
export const x = spec('x', 4);
const tap = spec('tap', 30);
const logits = (task: TaskName): TensorSpec => spec(`${task}_logits`, headLayers[task].outputs);

/** Weights that differ everywhere. */
const weights = ({ inputs, outputs, seed }: Layer): Tensor => ({
  dtype: 'float32',
  dims: [inputs, outputs],
  data: Float32Array.from({ length: inputs * outputs }, (_, i) => Math.sin(seed + i * 1.7)),
});

function addNode(graph: Graph, op: string, inputs: string[], output: string): void {
  const node: Node = { name: output, op, domain: '', inputs, outputs: [output], attributes: {} };
  graph.nodes.push(node);
}

function addLayer(graph: Graph, from: string, to: string, layer: Layer): void {
  graph.initializers.set(`${to}.weight`, weights(layer));
  addNode(graph, 'MatMul', [from, `${to}.weight`], layer.relu ? `${to}.dense` : to);
  if (layer.relu) addNode(graph, 'Relu', [`${to}.dense`], to);
}

function graphOf(input: TensorSpec, output: TensorSpec): Graph {
  const graph = new Graph();
  const batched = ({ name, dtype, dims }: TensorSpec) => ({ name, dtype, dims: ['N', ...dims.slice(1)] });
  graph.inputs = [batched(input)];
  graph.outputs = [batched(output)];
  return graph;
}

/** One task's whole network: what a separate bundle holds, and the reference of the zipped one. */
export function wholeNetwork(task: TaskName): Graph {
  const graph = graphOf(x, logits(task));
  addLayer(graph, x.name, tap.name, trunkLayer);
  addLayer(graph, tap.name, logits(task).name, headLayers[task]);
  return graph;
}

const sizes = { macs: 1, parameters: 1 };

/** The two tasks on one trunk. */
export const zippedBundle = (): Bundle => bundleOf('zipped', headLayers);

/** The same with other weights in the head of `digit`. */
export const damagedBundle = (): Bundle =>
  bundleOf('damaged', { ...headLayers, digit: { ...headLayers.digit, seed: 9 } });

function bundleOf(name: string, layers: Record<TaskName, Layer>): Bundle {
  const trunk = graphOf(x, tap);
  addLayer(trunk, x.name, tap.name, trunkLayer);
  const heads = taskNames.map((task) => {
    const graph = graphOf(tap, logits(task));
    addLayer(graph, tap.name, logits(task).name, layers[task]);
    return { name: task, graph };
  });
  return seal(name, [{ name: 'trunk', graph: trunk }, ...heads], ([first, ...rest]) => ({
    trunk: first ? { ...first, inputs: [x], taps: [tap], ...sizes } : null,
    heads: rest.map((files, i) => headOf(taskNames[i] ?? 'digit', files, tap)),
  }));
}

/** One task's network as it is. */
export const separateBundle = (task: TaskName): Bundle =>
  seal(`separate-${task}`, [{ name: task, graph: wholeNetwork(task) }], ([files]) => ({
    trunk: null,
    heads: files ? [headOf(task, files, x)] : [],
  }));

/** A network that repeats its input a million times, 15 MiB a sample: a batch of them fills any heap. */
export function hungryBundle(): Bundle {
  const output = spec('sum', 1);
  const graph = graphOf(x, output);
  graph.initializers.set('shape', {
    dtype: 'int64',
    dims: [3],
    data: BigInt64Array.from([1n, 1_000_000n, 1n]),
  });
  graph.initializers.set('middle', { dtype: 'int64', dims: [1], data: BigInt64Array.from([1n]) });
  graph.initializers.set('axes', { dtype: 'int64', dims: [2], data: BigInt64Array.from([1n, 2n]) });
  addNode(graph, 'Unsqueeze', ['x', 'middle'], 'column');
  addNode(graph, 'Expand', ['column', 'shape'], 'wide');
  addNode(graph, 'Exp', ['wide'], 'wide.exp');
  addNode(graph, 'ReduceMax', ['wide.exp', 'axes'], 'largest');
  addNode(graph, 'Squeeze', ['largest', 'middle'], 'sum');
  return seal('hungry', [{ name: 'hungry', graph }], ([files]) => ({
    trunk: null,
    heads: files ? [{ ...headOf('digit', files, x), output, labels: [] }] : [],
  }));
}

export const identityTypes = dataTypeNames.filter((dtype) => dtype !== 'bfloat16');

/** A task for every element type that ONNX Runtime Web takes: it answers its own input, [N, 3]. */
export function identityBundle(): Bundle {
  const inputOf = (dtype: DataType): TensorSpec => ({ name: `${dtype}_in`, dtype, dims: [-1, 3] });
  const named = identityTypes.map((dtype) => {
    const input = inputOf(dtype);
    const graph = graphOf(input, { ...input, name: 'out' });
    addNode(graph, 'Identity', [input.name], 'out');
    return { name: dtype, graph };
  });
  return seal(
    'identity',
    named,
    (packed) => ({
      trunk: null,
      heads: packed.map((files, i) => {
        const input = inputOf(identityTypes[i] ?? 'float32');
        const output = { ...input, name: 'out' };
        return { ...headOf('digit', files, input), task: input.dtype, output, labels: [] };
      }),
    }),
    identityTypes.map(inputOf),
  );
}

/** A network of one tensor of `mib` MiB: the worst case for memory. It answers the sum of x times `value`. */
export function largeBundle(mib: number, value: number): Bundle {
  const output = spec('largest', 1);
  const graph = graphOf(x, output);
  const columns = (mib * 2 ** 20) / 4 / 4;
  graph.initializers.set('weight', {
    dtype: 'float32',
    dims: [4, columns],
    data: new Float32Array(4 * columns).fill(value),
  });
  graph.initializers.set('axis', { dtype: 'int64', dims: [1], data: BigInt64Array.from([1n]) });
  addNode(graph, 'MatMul', ['x', 'weight'], 'wide');
  addNode(graph, 'ReduceMax', ['wide', 'axis'], 'largest');
  return seal(`large-${value}`, [{ name: 'large', graph }], ([files]) => ({
    trunk: null,
    heads: files ? [{ ...headOf('digit', files, x), output, labels: [] }] : [],
  }));
}

/** A bundle whose manifest promises more weights than an isolate holds. Its files are never read. */
export function oversizedBundle(): Bundle {
  const { manifest, files } = separateBundle('digit');
  const sizeBytes = 90 * 2 ** 20;
  return sealBundle(
    {
      ...manifest,
      files: manifest.files.map((file) => (file.path.endsWith('.onnx') ? file : { ...file, sizeBytes })),
    },
    files,
  );
}

/** A bundle whose graph is not one. */
export function notOnnxBundle(): Bundle {
  const { manifest, files } = separateBundle('digit');
  const text = new TextEncoder().encode('This is a text, not a network.');
  const changed = new Map([...files, ['digit.onnx', text]]);
  return sealBundle(
    {
      ...manifest,
      files: manifest.files.map((file) =>
        file.path === 'digit.onnx' ? { ...file, sha256: sha256(text), sizeBytes: text.length } : file,
      ),
    },
    changed,
  );
}

type Files = { graph: string; weights: string[] };

const headOf = (task: TaskName, files: Files, input: TensorSpec): Manifest['heads'][number] => ({
  ...files,
  ...sizes,
  task,
  inputs: [input],
  output: logits(task),
  labels: labels[task],
  accuracy: null,
});

function seal(
  name: string,
  named: NamedGraph[],
  describe: (packed: Files[]) => Pick<Manifest, 'trunk' | 'heads'>,
  inputs = [x],
): Bundle {
  const { graphs, files } = packGraphs(named);
  const parts = describe(graphs);
  return sealBundle(
    {
      format: 'trunkline.bundle/1',
      name,
      createdAt: '2026-01-01T00:00:00Z',
      inputs,
      ...parts,
      files: Array.from(files, ([path, bytes]) => ({ path, sha256: sha256(bytes), sizeBytes: bytes.length })),
      preprocessing: 'none',
      recipe: null,
      lineage: {
        models: parts.heads.map(({ task }) => ({ task, name: task, sha256: '0'.repeat(64) })),
        retrainingSteps: 0,
      },
      sharing: [],
      parity: { maxAbsDifference: 0, tolerance: 1e-5, samples: 1 },
    },
    files,
  );
}
