import type { Manifest } from '../../shared/manifest.ts';
import type { Tensor } from '../../shared/tensor.ts';
import type { Provider } from '../engine/providers.ts';
import { createSession, type Session } from '../engine/session.ts';

/** A bundle's files running in onnxruntime-node, put together as the edge does it. */
export interface OpenBundle {
  /**
   * Runs the trunk once and then the heads of the tasks asked for (default: all).
   *
   * @param inputs the bundle's inputs by name
   * @returns each task's output
   */
  run(inputs: Readonly<Record<string, Tensor>>, tasks?: readonly string[]): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** @throws {Error} when a file is missing or ONNX Runtime refuses it, naming the file */
export async function openBundle(
  manifest: Pick<Manifest, 'trunk' | 'heads'>,
  files: ReadonlyMap<string, Uint8Array>,
  options: { readonly provider: Provider; readonly threads?: number },
): Promise<OpenBundle> {
  const opened: Session[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(opened.map((session) => session.release()));
  };
  const open = async ({
    graph,
    weights,
  }: {
    graph: string;
    weights: readonly string[];
  }): Promise<Session> => {
    const externalData = Object.fromEntries(weights.map((path) => [path, contents(files, path)]));
    try {
      const session = await createSession(contents(files, graph), { ...options, externalData });
      opened.push(session);
      return session;
    } catch (cause) {
      throw new Error(`Cannot open ${graph}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  };
  try {
    const trunk = manifest.trunk ? await open(manifest.trunk) : undefined;
    const heads = new Map<string, { session: Session; output: string }>();
    for (const head of manifest.heads)
      heads.set(head.task, { session: await open(head), output: head.output.name });
    return {
      async run(inputs, tasks = [...heads.keys()]) {
        const values = { ...inputs, ...(trunk && (await trunk.run(pick(inputs, trunk.inputNames)))) };
        const answers: Record<string, Tensor> = {};
        for (const task of tasks) {
          const head = heads.get(task);
          if (!head)
            throw new Error(`Cannot run task "${task}": the bundle has ${[...heads.keys()].join(', ')}`);
          const answer = (await head.session.run(pick(values, head.session.inputNames), [head.output]))[
            head.output
          ];
          if (answer) answers[task] = answer;
        }
        return answers;
      },
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

function contents(files: ReadonlyMap<string, Uint8Array>, path: string): Uint8Array {
  const bytes = files.get(path);
  if (!bytes) throw new Error(`Cannot open bundle: file ${path} is missing`);
  return bytes;
}

function pick(values: Readonly<Record<string, Tensor>>, names: readonly string[]): Record<string, Tensor> {
  return Object.fromEntries(
    names.map((name) => {
      const value = values[name];
      if (!value) throw new Error(`Cannot run bundle: input "${name}" is missing`);
      return [name, value];
    }),
  );
}
