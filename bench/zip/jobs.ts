import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../gpu-runner/data/writeFileAtomically.ts';
import { readModel } from '../../gpu-runner/onnx/read.ts';
import type { Graph } from '../../gpu-runner/onnx/graph.ts';
import { writeModel } from '../../gpu-runner/onnx/write.ts';
import { sha256Hex } from '../../shared/digest.ts';
import type { Provenance, Run } from './provenance.ts';

/** Everything that decides what a piece of work results in: data, no functions. */
export interface Job {
  /** What is done. */
  readonly kind: string;
  /** Raised when the code of this kind changes what comes out. */
  readonly version: number;
  /** For people: first part of the folder's name. */
  readonly label: string;
  readonly settings: object;
}

/** Where a job that is being done keeps what it needs to go on after a kill. */
export interface JobFiles {
  /** Of a checkpoint; gone once the job is done. */
  readonly checkpoint: string;
  /** Keeps a network beside the result. */
  saveGraph(graph: Graph): Promise<void>;
}

export interface Done<Result> {
  readonly result: Result;
  readonly made: Provenance;
  /** The network that was kept; reads it from disk. */
  graph(): Promise<Graph>;
}

interface Kept<Result> {
  readonly job: Job;
  readonly finished: string;
  /** Where and how it was finished; results that were kept before this was have none. */
  readonly run?: Omit<Run, 'date'>;
  /** Of this process alone: less than it took where it went on from a checkpoint. */
  readonly seconds: number;
  readonly result: Result;
}

/**
 * Does jobs once: what one results in is kept under a digest of its settings, so whoever is killed and starts again goes
 * on where it was. One process at a time.
 */
export class Jobs {
  private readonly folder: string;
  private readonly committed: string | undefined;
  private readonly log: (line: string) => void;
  private readonly current: Omit<Run, 'date'> | undefined;

  /**
   * @param committed where results lie that came with the repository, in folders of the same names
   * @param current what does the jobs now: kept beside what they result in
   */
  constructor(
    folder: string,
    log: (line: string) => void = () => undefined,
    committed?: string,
    current?: Omit<Run, 'date'>,
  ) {
    this.folder = folder;
    this.current = current;
    this.committed = committed;
    this.log = log;
  }

  /**
   * The result of a job, computed where it is not known yet.
   *
   * @param compute returns what JSON can hold
   */
  async run<Result extends object>(
    job: Job,
    compute: (files: JobFiles) => Promise<Result>,
  ): Promise<Done<Result>> {
    const name = await folderOf(job);
    const given = this.committed === undefined ? undefined : join(this.committed, name);
    const folder = given !== undefined && existsSync(given) ? given : join(this.folder, name);
    const paths = {
      result: join(folder, 'result.json'),
      graph: join(folder, 'net.onnx'),
      checkpoint: join(folder, 'checkpoint'),
    };
    const graph = async (): Promise<Graph> => readModel(new Uint8Array(await readFile(paths.graph)));
    if (existsSync(paths.result)) {
      const kept = JSON.parse(await readFile(paths.result, 'utf8')) as Kept<Result>;
      return { result: kept.result, made: madeOf(kept), graph };
    }
    this.log(`${name} ...`);
    await mkdir(folder, { recursive: true });
    const begun = performance.now();
    const result = await compute({
      checkpoint: paths.checkpoint,
      saveGraph: (net) => writeFileAtomically(paths.graph, writeModel(net)),
    });
    const seconds = Math.round((performance.now() - begun) / 100) / 10;
    const kept: Kept<Result> = {
      ...{ job, finished: new Date().toISOString(), seconds },
      ...(this.current && { run: this.current }),
      result,
    };
    await writeFileAtomically(paths.result, Buffer.from(`${JSON.stringify(kept, null, 2)}\n`));
    await rm(paths.checkpoint, { force: true });
    this.log(`${name} done in ${seconds} s`);
    return { result, made: madeOf(kept), graph };
  }
}

const madeOf = ({ finished, run }: Kept<object>): Provenance => ({ date: finished.slice(0, 10), ...run });

async function folderOf({ kind, version, label, settings }: Job): Promise<string> {
  const digest = await sha256Hex(canonical({ kind, version, settings }));
  return `${kind}-${label}-${digest.slice(0, 12)}`.replaceAll(/[^\w.+-]/g, '_');
}

/** JSON with the keys in order and what is undefined left out. */
const canonical = (value: object): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
