import type { Tensor } from '../../shared/tensor.ts';
import { shuffledBatches, type Batches } from './dataset.ts';
import { checkWidth, type Objective } from './objective.ts';
import { Random } from './random.ts';
import { createSession, type Session, type SessionOptions } from './session.ts';
import { floats } from './trainState.ts';
import { feedNames, type TrainingGraph } from './trainingGraph.ts';

/** What a training step reads beside the state: samples, labels, teachers' logits and Dropout's noise. */
export interface Feeder {
  /** A pure function of the step, counted from 0. */
  feeds(step: number): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

export interface FeederOptions {
  readonly objectives: readonly Objective[];
  readonly emitted: TrainingGraph;
  readonly batchSize: number;
  readonly seed: number;
  readonly sessionOptions: SessionOptions;
}

interface Source {
  readonly objective: Objective;
  readonly batches: Batches;
  readonly teacher: Session | undefined;
  readonly width: number;
}

/** @throws {Error} when a data set cannot fill a batch, its labels do not fit the output, or a teacher does not. */
export async function createFeeder(options: FeederOptions): Promise<Feeder> {
  const { objectives, emitted, batchSize, seed, sessionOptions } = options;
  const sources: Source[] = [];
  const release = async (): Promise<void> => {
    for (const { teacher } of sources) await teacher?.release();
  };
  try {
    for (const [index, objective] of objectives.entries()) {
      const width = emitted.widths[index] ?? 0;
      checkWidth(objective, width);
      const batches = shuffledBatches(
        objective.data,
        objective.batchSize ?? batchSize,
        new Random(seed, index).uint32(),
      );
      const distils = objective.teacher !== undefined && objective.teacher.distillation > 0;
      const teacher = distils ? await teacherSession(objective.teacher, sessionOptions) : undefined;
      sources.push({ objective, batches, teacher, width });
    }
  } catch (error) {
    await release();
    throw error;
  }
  return {
    async feeds(step) {
      const feeds: Record<string, Tensor> = {};
      for (const [index, source] of sources.entries()) await feedBatch(feeds, index, source, step);
      for (const [index, dims] of emitted.noise.entries()) {
        feeds[feedNames.noise(index)] = uniformNoise(dims, new Random(seed, noiseStream, index, step));
      }
      return feeds;
    },
    release,
  };
}

/** Sets the generators of noise apart from those of batches. */
const noiseStream = 0x6e6f;

async function feedBatch(
  feeds: Record<string, Tensor>,
  index: number,
  source: Source,
  step: number,
): Promise<void> {
  const { objective, batches, teacher, width } = source;
  const { data } = objective;
  const indices = batches.indices(step);
  const batch = indices.length;
  const input: Tensor = {
    dtype: 'float32',
    dims: [batch, ...data.sampleDims],
    data: data.inputs(indices, step),
  };
  feeds[feedNames.input(index)] = input;
  if ((objective.teacher?.distillation ?? 0) < 1) {
    const labels = Int32Array.from(indices, (sample) => data.labels[sample] ?? -1);
    feeds[feedNames.labels(index)] = { dtype: 'int32', dims: [batch], data: labels };
  }
  if (!teacher) return;
  const [inputName = '', outputName = ''] = [teacher.inputNames[0], teacher.outputNames[0]];
  const logits = floats((await teacher.run({ [inputName]: input }))[outputName], outputName);
  if (logits.length !== batch * width) {
    throw new Error(
      `Cannot distil into "${objective.output}": its teacher gives ${logits.length / batch} logits, it has ${width}`,
    );
  }
  feeds[feedNames.teacher(index)] = { dtype: 'float32', dims: [batch, width], data: logits };
}

async function teacherSession(
  teacher: Objective['teacher'],
  options: SessionOptions,
): Promise<Session | undefined> {
  if (!teacher) return undefined;
  const { graph } = teacher;
  const [inputs, outputs] = [graph.inputs.length, graph.outputs.length];
  if (inputs !== 1 || outputs !== 1) {
    throw new Error(
      `Cannot learn from "${graph.name}": a teacher has one input and one output, this ${inputs} and ${outputs}`,
    );
  }
  return createSession(graph, options);
}

function uniformNoise(dims: readonly number[], random: Random): Tensor {
  const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
  // Below 1 after rounding to float32 as well.
  for (let index = 0; index < data.length; index += 1) data[index] = (random.uint32() >>> 8) / 2 ** 24;
  return { dtype: 'float32', dims, data };
}
