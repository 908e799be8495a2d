import { sha256Hex } from '../../shared/digest.ts';
import type { Tensor } from '../../shared/tensor.ts';
import type { Graph } from '../onnx/graph.ts';
import { writeModel } from '../onnx/write.ts';
import type { Dataset } from './dataset.ts';
import type { TrainOptions } from './trainOptions.ts';

/** What decides the bits of a training run, a short text or a digest an option: equal texts, equal runs. */
export type RunIdentity = Readonly<Record<string, string>>;

/**
 * Identifies a run by its options. Of data sets count size, dims, labels and the first and last sample; samples between
 * them are not read. Changing `onProgress`, `onLook`, `signal` or `checkpoint` makes no other run.
 */
export async function identifyRun(options: TrainOptions): Promise<RunIdentity> {
  const { graph, parameters, objectives, masks, optimiser, schedule, validation, lossWeighting } = options;
  const identity: Record<string, string> = {
    graph: await digestOfGraph(graph),
    parameters: parameters ? await sha256Hex(JSON.stringify(parameters)) : 'all',
    steps: String(options.steps),
    batchSize: String(options.batchSize),
    optimiser: canonical(optimiser),
    schedule: canonical(schedule),
    clipNorm: String(options.clipNorm ?? 'none'),
    lossWeighting: canonical(lossWeighting ?? { kind: 'fixed' }),
    frozenStatistics: String(options.frozenStatistics ?? false),
    validation: validation ? canonical(validation) : 'none',
    masks: masks ? await digestOfMasks(masks) : 'none',
    seed: String(options.seed),
    provider: options.provider,
    threads: String(options.threads ?? 'all'),
  };
  for (const objective of objectives) {
    const { input, output, loss, weight = 1, batchSize = options.batchSize, data, teacher } = objective;
    const learnt = teacher && { ...teacher, graph: await digestOfGraph(teacher.graph) };
    const held = objective.validation && (await digestOfData(objective.validation));
    const parts = { input, loss, weight, batchSize, data: await digestOfData(data), teacher: learnt, held };
    identity[`objective "${output}"`] = canonical(parts);
  }
  return identity;
}

/**
 * @returns undefined where two identities are the same run, else what differs, in words
 */
export function differenceOf(there: RunIdentity, here: RunIdentity): string | undefined {
  const names = [...new Set([...Object.keys(there), ...Object.keys(here)])].toSorted();
  const changes = names.flatMap((name) => {
    const [before, now] = [there[name] ?? 'absent', here[name] ?? 'absent'];
    if (before === now) return [];
    const isShort = Math.max(before.length, now.length) <= longestShown;
    return [isShort ? `${name} was ${before}, is ${now}` : `${name} differs`];
  });
  return changes.length === 0 ? undefined : changes.join('; ');
}

/** Digests say nothing to a reader. */
const longestShown = 60;

/** JSON with the keys in order and what is undefined left out. */
const canonical = (value: object): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array<ArrayBuffer> =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

const digestOfGraph = (graph: Graph): Promise<string> => sha256Hex(bytesOf(writeModel(graph)));

async function digestOfData(data: Dataset): Promise<string> {
  const { size, sampleDims, classes, labels } = data;
  const ends = data.inputs(size > 0 ? [0, size - 1] : []);
  const digests = [await sha256Hex(bytesOf(labels)), await sha256Hex(bytesOf(ends))];
  return sha256Hex(canonical({ size, sampleDims, classes, digests }));
}

async function digestOfMasks(masks: ReadonlyMap<string, Tensor>): Promise<string> {
  const parts: string[] = [];
  for (const [name, { data }] of [...masks].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    parts.push(name, await sha256Hex(Uint8Array.from(data as ArrayLike<number | bigint>, Number)));
  return sha256Hex(JSON.stringify(parts));
}
