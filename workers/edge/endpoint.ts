import { TrunklineError } from '../../shared/errors.ts';
import type { Arm } from '../../shared/experiment.ts';
import { name as nameFormat, type Head, type Manifest, type TensorSpec } from '../../shared/manifest.ts';
import type { RoutedExperiment } from '../../shared/routing.ts';
import type { TrustedKey } from '../../shared/signature.ts';
import { readRouting, type Published } from '../store/published.ts';
import { limits } from './limits.ts';
import { loadManifest, shortId } from './loader.ts';

/** One answer an endpoint can give, and where it comes from. */
export interface Task {
  readonly name: string;
  readonly bundleId: string;
  readonly manifest: Manifest;
  readonly head: Head;
}

/** What an endpoint serves now: a model, in the protocol's words, whose outputs are its tasks. */
export interface Endpoint {
  readonly name: string;
  readonly project: string;
  readonly revision: number;
  readonly inputs: readonly TensorSpec[];
  /** In the order of the routing. */
  readonly tasks: ReadonlyMap<string, Task>;
  /** Those running, in the order of the routing. */
  readonly experiments: readonly RoutedExperiment[];
}

/** Endpoints as they are published, remembered for `limits.freshMs`; manifests, which never change, while they fit. */
export class Endpoints {
  readonly #published: Published;
  readonly #now: () => number;
  readonly #trusted: readonly TrustedKey[] | null;
  readonly #endpoints = new Map<string, { endpoint: Endpoint; readAt: number }>();
  readonly #manifests = new Map<string, { manifest: Manifest; sizeBytes: number }>();

  /** @param trusted keys of which one must have signed every manifest; null: they need not be signed */
  constructor(
    published: Published,
    now: () => number = Date.now,
    trusted: readonly TrustedKey[] | null = null,
  ) {
    this.#published = published;
    this.#now = now;
    this.#trusted = trusted;
  }

  /**
   * @throws {TrunklineError} `not-found` for a name nobody published, `unavailable` when what is published cannot be used.
   *   Neither is remembered: the next call reads again.
   */
  async find(name: string): Promise<Endpoint> {
    const known = this.#endpoints.get(name);
    if (known && this.#now() - known.readAt < limits.freshMs) return known.endpoint;
    this.#endpoints.delete(name);
    const readAt = this.#now();
    const endpoint = await this.#read(name);
    // Endpoints come from the control plane only, so their number is bounded; unknown names are not kept.
    this.#endpoints.set(name, { endpoint, readAt });
    return endpoint;
  }

  async #read(name: string): Promise<Endpoint> {
    const routing = nameFormat.safeParse(name).success
      ? await readRouting(this.#published.routing, name)
      : null;
    if (!routing) throw unknownModel(name);

    const { project, revision, experiments } = routing;
    const bundles = Object.entries(routing.tasks).map(([task, { bundle }]): [string, string] => [
      task,
      bundle,
    ]);
    return { name, project, revision, experiments, ...(await this.#assemble(name, bundles)) };
  }

  /**
   * The endpoint as `arm` serves it.
   *
   * @throws {TrunklineError} `unavailable`, when the arm's bundles cannot be used or read other inputs than the endpoint
   */
  async withArm(endpoint: Endpoint, arm: Arm): Promise<Endpoint> {
    const label = `arm "${arm.name}" of ${endpoint.name}`;
    const { inputs, tasks } = await this.#assemble(label, Object.entries(arm.tasks));
    if (!sameInputs(endpoint.inputs, inputs)) {
      throw new TrunklineError(
        'unavailable',
        `Cannot serve ${label}: it reads other inputs than ${endpoint.name}`,
      );
    }
    return { ...endpoint, tasks };
  }

  /** The tasks of these bundles, by task. `label` names the whole in messages. */
  async #assemble(
    label: string,
    bundles: readonly [task: string, bundleId: string][],
  ): Promise<Pick<Endpoint, 'inputs' | 'tasks'>> {
    const tasks = new Map<string, Task>();
    for (const [task, bundleId] of bundles) {
      const manifest = await this.#manifest(bundleId);
      const head = manifest.heads.find((one) => one.task === task);
      if (!head) {
        throw new TrunklineError(
          'unavailable',
          `Cannot serve ${label}: bundle ${shortId(bundleId)} has no head "${task}"`,
        );
      }
      tasks.set(task, { name: task, bundleId, manifest, head });
    }
    const [first, ...others] = tasks.values();
    if (!first) throw new TrunklineError('unavailable', `Cannot serve ${label}: it has no tasks`);
    const inputs = first.manifest.inputs;
    for (const other of others) {
      if (!sameInputs(inputs, other.manifest.inputs)) {
        throw new TrunklineError(
          'unavailable',
          `Cannot serve ${label}: tasks "${first.name}" and "${other.name}" read different inputs`,
        );
      }
    }
    return { inputs, tasks };
  }

  async #manifest(id: string): Promise<Manifest> {
    const kept = this.#manifests.get(id);
    const entry = kept ?? (await loadManifest(this.#published.bundles, id, this.#trusted));
    // Last in the map is last used; the first ones leave when there is no room.
    this.#manifests.delete(id);
    this.#manifests.set(id, entry);
    let total = 0;
    for (const one of this.#manifests.values()) total += one.sizeBytes;
    for (const [oldest, one] of this.#manifests) {
      if (total <= limits.manifestCacheBytes) break;
      this.#manifests.delete(oldest);
      total -= one.sizeBytes;
    }
    return entry.manifest;
  }
}

export const unknownModel = (name: string): TrunklineError =>
  new TrunklineError('not-found', `Unknown model "${name}": no endpoint has this name`);

const sameInputs = (a: readonly TensorSpec[], b: readonly TensorSpec[]): boolean => {
  const describe = (specs: readonly TensorSpec[]): string =>
    JSON.stringify(specs.map(({ name, dtype, dims }) => [name, dtype, dims]));
  return describe(a) === describe(b);
};
