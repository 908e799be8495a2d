/**
 * Parity: the exported files against the trained graph, on pinned inputs. What is checked is what will be served, the
 * bytes of the files, trunk then heads; a mistake in wiring, export or weight placement cannot hide.
 */
import type { Manifest, TensorSpec } from '../../shared/manifest.ts';
import { elementCount, type Tensor } from '../../shared/tensor.ts';
import { Random } from '../engine/random.ts';
import { createSession } from '../engine/session.ts';
import type { Graph } from '../onnx/graph.ts';
import { openBundle } from './openBundle.ts';

/** The network as it was trained. */
export interface TrainedGraph {
  /** With one input, or one a task: every input is fed the same samples. */
  readonly graph: Graph;
  /** Which of its outputs answers each task. */
  readonly outputs: Readonly<Record<string, string>>;
}

export interface ParityOptions {
  /** Real samples, [n, ...sample dims]. Seeded random ones from 0 to 1 are always added. */
  readonly samples?: Tensor<'float32'> | undefined;
  /** Largest absolute difference of any output value that is let through. */
  readonly tolerance?: number | undefined;
  /** The same as a share of each task's largest output on the pinned samples: for weights that were rounded. */
  readonly relativeTolerance?: number | undefined;
  /** Default true. Ranges of int8 were chosen for real samples: on noise they say nothing. */
  readonly random?: boolean | undefined;
}

export type Parity = Manifest['parity'];

/** Both sides are float32 on the same kernels: outputs of size 10 differ by some 1e-6 where fusion differs. */
const defaultTolerance = 1e-4;
const randomSamples = 16;
const seed = 20180502;
/** Samples run at once where the batch may vary. */
const largestBatch = 64;

/**
 * @param parts the bundle's graphs, its one input and the paths of its files
 * @throws {Error} "Cannot export bundle: head "digit" differs by 3.1e-2 from the trained graph, tolerance 1e-4"
 */
export async function checkParity(
  parts: Pick<Manifest, 'inputs' | 'trunk' | 'heads'>,
  files: ReadonlyMap<string, Uint8Array>,
  trained: TrainedGraph,
  options: ParityOptions = {},
): Promise<Parity> {
  const [input, ...others] = parts.inputs;
  if (!input || others.length > 0)
    throw new Error(`Cannot check parity: the bundle has ${parts.inputs.length} inputs, not one`);
  const pinned = pinnedBatches(input, options);
  const outputs = parts.heads.map(({ task }) => {
    const output = trained.outputs[task];
    if (output === undefined)
      throw new Error(`Cannot check parity: no output of the trained graph answers "${task}"`);
    return { task, output, difference: 0, largest: 0 };
  });

  const bundle = await openBundle(parts, files, { provider: 'cpu' });
  const reference = await createSession(trained.graph, { provider: 'cpu' });
  try {
    for (const batch of pinned) {
      const answers = await bundle.run({ [input.name]: batch });
      const feeds = Object.fromEntries(reference.inputNames.map((name) => [name, batch]));
      const expected = await reference.run(feeds, [...new Set(outputs.map(({ output }) => output))]);
      for (const one of outputs) {
        const { difference, largest } = compare(one.task, answers[one.task], expected[one.output]);
        one.difference = Math.max(one.difference, difference);
        one.largest = Math.max(one.largest, largest);
      }
    }
  } finally {
    await bundle.release();
    await reference.release();
  }
  const { relativeTolerance, tolerance = relativeTolerance === undefined ? defaultTolerance : 0 } = options;
  const tolerances = outputs.map(({ largest }) => Math.max(tolerance, (relativeTolerance ?? 0) * largest));
  for (const [index, { task, difference }] of outputs.entries()) {
    const allowed = tolerances[index] ?? 0;
    if (difference > allowed)
      throw new Error(
        `Cannot export bundle: head "${task}" differs by ${short(difference)} from the trained graph, tolerance ${short(allowed)}`,
      );
  }
  return {
    maxAbsDifference: Math.max(...outputs.map(({ difference }) => difference)),
    tolerance: Math.max(...tolerances),
    samples: pinned.reduce((sum, { dims }) => sum + (dims[0] ?? 0), 0),
  };
}

/** Random samples, then the given ones, in batches that the input accepts. */
function pinnedBatches(
  input: TensorSpec,
  { samples: given, random: withRandom = true }: ParityOptions,
): Tensor<'float32'>[] {
  const refuse = (reason: string): Error => new Error(`Cannot check parity: ${reason}`);
  const [batch, ...sample] = input.dims;
  if (input.dtype !== 'float32' || batch === undefined || sample.includes(-1))
    throw refuse(
      `input "${input.name}" is ${input.dtype} [${input.dims.join()}], not float32 with a fixed sample shape`,
    );
  if (given && given.dims.slice(1).join() !== sample.join())
    throw refuse(`samples of [${given.dims.join()}] do not fit input "${input.name}" [${input.dims.join()}]`);
  const size = elementCount(sample);
  const step = batch === -1 ? largestBatch : batch;
  const random = new Random(seed);
  // Whole batches only, where the batch is fixed.
  const randomCount = batch === -1 ? randomSamples : Math.ceil(randomSamples / step) * step;
  const all = Float32Array.from({ length: randomCount * size }, () => random.uniform());
  const batches: Tensor<'float32'>[] = [];
  for (const data of [...(withRandom ? [all] : []), ...(given ? [given.data] : [])]) {
    for (let from = 0; from < data.length; from += step * size) {
      const part = data.subarray(from, from + step * size);
      if (batch !== -1 && part.length < step * size) break;
      batches.push({ dtype: 'float32', dims: [part.length / size, ...sample], data: part });
    }
  }
  if (batches.length === 0) throw refuse('there is no sample to compare on');
  return batches;
}

/** The largest difference and the largest expected value. NaN anywhere counts as infinitely different: it must not pass for a small number. */
function compare(
  task: string,
  answer: Tensor | undefined,
  expected: Tensor | undefined,
): { difference: number; largest: number } {
  if (answer?.dtype !== 'float32' || expected?.dtype !== 'float32')
    throw new Error(`Cannot check parity: "${task}" answers ${answer?.dtype ?? 'nothing'}, not float32`);
  if (answer.dims.join() !== expected.dims.join())
    throw new Error(
      `Cannot export bundle: head "${task}" answers [${answer.dims.join()}], the trained graph [${expected.dims.join()}]`,
    );
  let [difference, largest] = [0, 0];
  for (const [i, value] of answer.data.entries()) {
    const right = expected.data[i] ?? NaN;
    const apart = Math.abs(value - right);
    if (Number.isNaN(apart)) return { difference: Infinity, largest: 0 };
    difference = Math.max(difference, apart);
    largest = Math.max(largest, Math.abs(right));
  }
  return { difference, largest };
}

/** Two digits: 3.1e-2. */
const short = (value: number): string => value.toExponential(1).replace('.0e', 'e');
