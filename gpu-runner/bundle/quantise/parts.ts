import type { Tensor } from '../../../shared/tensor.ts';
import type { Provider } from '../../engine/providers.ts';
import { createSession, type Session } from '../../engine/session.ts';
import type { Graph } from '../../onnx/graph.ts';

/** A network as it is served: a trunk whose outputs are taps (or none), and a head a task. */
export interface Parts {
  readonly trunk: Graph | null;
  readonly heads: readonly PartHead[];
}

export interface PartHead {
  readonly task: string;
  /** One output; its inputs are taps of the trunk or the network's own input. */
  readonly graph: Graph;
}

/** What a part is called: its task, or "trunk". */
export const trunkName = 'trunk';

/** Trunk first, then the heads. */
export const partsOf = ({ trunk, heads }: Parts): { part: string; graph: Graph }[] => [
  ...(trunk ? [{ part: trunkName, graph: trunk }] : []),
  ...heads.map(({ task, graph }) => ({ part: task, graph })),
];

/** Every part replaced by what `change` makes of it. */
export const mapParts = (parts: Parts, change: (graph: Graph, part: string) => Graph): Parts => ({
  trunk: parts.trunk && change(parts.trunk, trunkName),
  heads: parts.heads.map(({ task, graph }) => ({ task, graph: change(graph, task) })),
});

export interface OpenParts {
  /** All outputs of all parts on one batch of the network's input, by part. */
  run(batch: Tensor<'float32'>): Promise<Map<string, Record<string, Tensor>>>;
  release(): Promise<void>;
}

/**
 * The one input that clients feed.
 *
 * @throws {Error} when there is none or more than one.
 */
export function inputOf(parts: Parts): string {
  const taps = new Set(parts.trunk?.outputs.map(({ name }) => name));
  const names = new Set(
    partsOf(parts).flatMap(({ graph }) =>
      graph.inputs.map(({ name }) => name).filter((one) => !taps.has(one)),
    ),
  );
  const [name, ...others] = names;
  if (name === undefined || others.length > 0)
    throw new Error(`Cannot run trunk and heads: they have ${names.size} inputs, not one`);
  return name;
}

/** Loads trunk and heads into ONNX Runtime. @throws {Error} when it refuses one of them, naming it */
export async function openParts(parts: Parts, options: { readonly provider: Provider }): Promise<OpenParts> {
  const input = inputOf(parts);
  const opened: { part: string; session: Session }[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(opened.map(({ session }) => session.release()));
  };
  for (const { part, graph } of partsOf(parts)) {
    try {
      opened.push({ part, session: await createSession(graph, options) });
    } catch (cause) {
      await release();
      throw new Error(`Cannot run ${part}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  }
  return {
    async run(batch) {
      const values: Record<string, Tensor> = { [input]: batch };
      const outputs = new Map<string, Record<string, Tensor>>();
      for (const { part, session } of opened) {
        const feeds: Record<string, Tensor> = {};
        for (const name of session.inputNames) {
          const value = values[name];
          if (!value) throw new Error(`Cannot run ${part}: nothing computed "${name}"`);
          feeds[name] = value;
        }
        const results = await session.run(feeds);
        outputs.set(part, results);
        if (part === trunkName) Object.assign(values, results);
      }
      return outputs;
    },
    release,
  };
}
