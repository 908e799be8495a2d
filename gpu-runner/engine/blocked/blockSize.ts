import { elementCount, type Tensor } from '../../../shared/tensor.ts';
import { Graph, int, ints } from '../../onnx/graph.ts';
import { writeModel } from '../../onnx/write.ts';
import { openSession } from '../ortSession.ts';
import { Random } from '../random.ts';
import { blockConvolutions } from './blockConvolutions.ts';

/** What ONNX Runtime's kernels use: 16 with AVX-512, 8 with less. */
const sizes = [16, 8];
/** Sums of float32 in another order differ by 1e-6 of the largest; a wrong block by more than all of it. */
const tolerance = 1e-4;

let known: Promise<number | undefined> | undefined;

/**
 * The channels in a block of this machine's fast convolutions, undefined where there are none. ONNX Runtime does not
 * tell, and computes nonsense with another number: each is tried once, in every form that is used, beside the standard
 * operator.
 */
export const blockSize = (): Promise<number | undefined> => (known ??= tryAll());

async function tryAll(): Promise<number | undefined> {
  // Elsewhere the kernels are missing or were never tried.
  if (process.arch !== 'x64') return undefined;
  for (const size of sizes) if (await isRight(size)) return size;
  return undefined;
}

/** Whether this machine's convolutions take blocks of this many channels. */
export async function isRight(size: number): Promise<boolean> {
  const { graph, feeds } = trial();
  try {
    const [expected, got] = [
      await runOnce(graph, feeds),
      await runOnce(blockConvolutions(graph, size), feeds),
    ];
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return got.every((value, index) => Math.abs(value - (expected[index] ?? NaN)) <= tolerance * largest);
  } catch {
    // This build lacks the operators.
    return false;
  }
}

async function runOnce(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<number[]> {
  const session = await openSession(writeModel(graph), { provider: 'cpu', threads: 1 });
  try {
    const results = await session.run(feeds);
    return Object.values(results).flatMap(({ data }) => Array.from(data, Number));
  } finally {
    await session.release();
  }
}

/** Convolutions of every form, one after the other; all channels are multiples of every size, so none reads too far. */
function trial(): { graph: Graph; feeds: Record<string, Tensor> } {
  const graph = new Graph('blocks');
  const feeds: Record<string, Tensor> = {};
  const random = new Random(1);
  const input = (name: string, dims: number[]): string => {
    const data = Float32Array.from({ length: elementCount(dims) }, () => random.normal());
    feeds[name] = { dtype: 'float32', dims, data };
    graph.inputs.push({ name, dtype: 'float32', dims });
    return name;
  };
  const conv = (name: string, inputs: string[], group: number, stride: number): string => {
    graph.addNode('Conv', inputs, [name], {
      ...{ group: int(group), kernel_shape: ints([3, 3]) },
      ...{ pads: ints([1, 1, 1, 1]), strides: ints([stride, stride]) },
    });
    return name;
  };
  const few = conv('few', [input('x', [2, 3, 7, 6]), input('w1', [32, 3, 3, 3]), input('b1', [32])], 1, 1);
  graph.addNode('Relu', [few], ['relu']);
  const many = conv('many', ['relu', input('w2', [64, 32, 3, 3])], 1, 2);
  const grouped = conv('grouped', [many, input('w3', [64, 32, 3, 3])], 2, 1);
  conv('y', [grouped, input('w4', [64, 1, 3, 3])], 64, 1);
  graph.outputs.push(
    { name: 'y', dtype: 'float32', dims: [2, 64, 4, 3] },
    { name: 'many', dtype: 'float32', dims: [2, 64, 4, 3] },
  );
  return { graph, feeds };
}
