/**
 * ONNX Runtime's WebGPU provider computes some convolutions wrongly (1.30: 3x3 and 5x5 kernels from 6, 9 or 18 to 16
 * channels), without an error. Every shape is therefore tried once against the CPU before a GPU session is used.
 */
import { elementCount, type Tensor } from '../../shared/tensor.ts';
import { Graph, type Dim, type Node } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import { writeModel } from '../onnx/write.ts';
import { openSession } from './ortSession.ts';
import type { Provider } from './providers.ts';
import { Random } from './random.ts';

/** Differences beyond this share of the largest output are errors: float32 sums in another order differ by 1e-6. */
const tolerance = 1e-3;

/** What a batch of unknown size is tried with. */
const batchTried = 2;

/** @throws {Error} when the provider computes a convolution of the graph differently from the CPU. */
export async function checkConvolutions(graph: Graph, provider: Provider): Promise<void> {
  const trials = convolutionsOf(graph);
  if (trials.length === 0) return;
  const model = new Graph('convolutions');
  const feeds: Record<string, Tensor> = {};
  const random = new Random(1);
  for (const [index, { node, inputDims }] of trials.entries()) {
    const inputs = inputDims.map((dims, input) => ({
      name: `${index}/input/${input}`,
      dtype: 'float32' as const,
      dims,
    }));
    for (const { name, dims } of inputs) feeds[name] = randomTensor(dims, random);
    model.inputs.push(...inputs);
    model.outputs.push({ name: outputName(index), dtype: 'float32', dims: [] });
    model.nodes.push({
      ...node,
      name: `${index}`,
      inputs: inputs.map(({ name }) => name),
      outputs: [outputName(index)],
    });
  }
  const types = inferShapes(model);
  model.outputs = model.outputs.map(({ name }) => ({
    name,
    dtype: 'float32',
    dims: types.get(name)?.dims ?? [],
  }));
  const bytes = writeModel(model);
  const [expected, computed] = [await runOnce(bytes, feeds, 'cpu'), await runOnce(bytes, feeds, provider)];
  for (const [index, { node, inputDims }] of trials.entries()) {
    const error = relativeError(expected[outputName(index)], computed[outputName(index)]);
    if (error <= tolerance) continue;
    throw new Error(
      `Cannot use ${provider}: it computes ${node.op} "${node.name}" (${described(inputDims)}) wrongly, ` +
        `${error.toPrecision(3)} of the largest output away from the CPU`,
    );
  }
}

interface Trial {
  readonly node: Node;
  readonly inputDims: readonly (readonly number[])[];
}

/** The graph's convolutions, those of equal shapes and attributes once. */
function convolutionsOf(graph: Graph): Trial[] {
  const convolutions = graph.nodes.filter(({ op }) => op === 'Conv' || op === 'ConvTranspose');
  if (convolutions.length === 0) return [];
  const fixed = graph.clone();
  const bound = (dims: readonly Dim[]): Dim[] =>
    dims.map((dim, axis) => (typeof dim === 'number' || axis > 0 ? dim : batchTried));
  fixed.inputs = graph.inputs.map((input) => ({ ...input, dims: bound(input.dims) }));
  const types = inferShapes(fixed);
  const trials = new Map<string, Trial>();
  for (const node of convolutions) {
    const inputDims = node.inputs.flatMap((value) =>
      value === '' ? [] : [knownDims(node, types.get(value)?.dims)],
    );
    const key = JSON.stringify([node.op, node.attributes, inputDims]);
    if (!trials.has(key)) trials.set(key, { node, inputDims });
  }
  return [...trials.values()];
}

function knownDims(node: Node, dims: readonly Dim[] = []): number[] {
  return dims.map((dim) => {
    if (typeof dim === 'number') return dim;
    throw new Error(
      `Cannot check ${node.op} "${node.name}" on a GPU: [${dims.map((size) => size ?? '?').join()}] is not a fixed size`,
    );
  });
}

function randomTensor(dims: readonly number[], random: Random): Tensor {
  return {
    dtype: 'float32',
    dims,
    data: Float32Array.from({ length: elementCount(dims) }, () => random.uniform(-1, 1)),
  };
}

async function runOnce(
  model: Uint8Array,
  feeds: Record<string, Tensor>,
  provider: Provider,
): Promise<Record<string, Tensor>> {
  const session = await openSession(model, { provider });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

function relativeError(expected: Tensor | undefined, computed: Tensor | undefined): number {
  if (expected?.dtype !== 'float32' || computed?.dtype !== 'float32') return NaN;
  let [difference, largest] = [0, 0];
  for (const [index, value] of expected.data.entries()) {
    difference = Math.max(difference, Math.abs(value - (computed.data[index] ?? NaN)));
    largest = Math.max(largest, Math.abs(value));
  }
  return difference / Math.max(largest, Number.MIN_VALUE);
}

const outputName = (index: number): string => `${index}/output`;

const described = (inputDims: readonly (readonly number[])[]): string =>
  inputDims.map((dims) => `[${dims.join()}]`).join(' by ');
