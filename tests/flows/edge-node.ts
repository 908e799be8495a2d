import { listen, type Listening } from '../../gpu-runner/serve/listen.ts';
import { createNodeEdge } from '../../gpu-runner/serve/nodeEdge.ts';
import { TestedEdge } from './tested-edge.ts';

/** The edge on plain Node, over storage in memory. */
export class EdgeOnNode extends TestedEdge {
  readonly #contents = new Map<string, Uint8Array>();
  readonly #pointers = new Map<string, unknown>();
  #listening: Listening | undefined;

  static async start(): Promise<EdgeOnNode> {
    const edge = new EdgeOnNode();
    const { bundles, routing } = {
      bundles: {
        get: (key: string) => Promise.resolve(edge.#object(key)),
        head: (key: string) => {
          const bytes = edge.#contents.get(key);
          return Promise.resolve(bytes ? { size: bytes.length } : null);
        },
      },
      routing: {
        get: (key: string) => Promise.resolve(edge.#pointers.get(key) ?? null),
        list: ({ prefix }: { prefix: string }) =>
          Promise.resolve({
            keys: [...edge.#pointers.keys()]
              .filter((key) => key.startsWith(prefix))
              .map((name) => ({ name })),
            list_complete: true as const,
          }),
      },
    };
    const app = createNodeEdge({ bundles, routing }, { provider: 'cpu', threads: 1, keys: 'required' });
    edge.#listening = await listen(app, '127.0.0.1', 0);
    edge.headers.authorization = `Bearer ${await edge.putKey(['infer'])}`;
    return edge;
  }

  #object(key: string): { arrayBuffer(): Promise<ArrayBuffer> } | null {
    const bytes = this.#contents.get(key);
    return bytes ? { arrayBuffer: () => Promise.resolve(new Uint8Array(bytes).buffer) } : null;
  }

  protected override url(): Promise<string> {
    return Promise.resolve(this.#listening?.url ?? '');
  }

  protected override putContent(key: string, bytes: Uint8Array): Promise<void> {
    this.#contents.set(key, bytes);
    return Promise.resolve();
  }

  protected override deleteContent(key: string): Promise<void> {
    this.#contents.delete(key);
    return Promise.resolve();
  }

  protected override putPointer(key: string, value: unknown): Promise<void> {
    // As KV keeps it.
    this.#pointers.set(key, JSON.parse(JSON.stringify(value)));
    return Promise.resolve();
  }

  override async stop(): Promise<void> {
    await this.#listening?.close();
  }
}
