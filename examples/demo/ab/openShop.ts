import { setTimeout } from 'node:timers/promises';
import { publishBundle, routeEndpoint } from '../../../gpu-runner/runner/publish.ts';
import type { Platform } from '../../../scripts/platform.ts';
import type { Scope } from '../../../shared/keys.ts';
import { InferenceClient } from '../client.ts';
import { makeKey } from '../makeKey.ts';
import type { StoredBundle } from '../packNets.ts';
import type { DemoNet } from '../zipNets.ts';
import { ExperimentClient } from './experimentClient.ts';

export interface ShopOptions {
  readonly platform: Platform;
  readonly adminKey: string;
  readonly nets: readonly DemoNet[];
  /** One bundle a task. */
  readonly separate: readonly StoredBundle[];
  readonly merged: StoredBundle;
  readonly damaged: StoredBundle;
}

/** The endpoint that is experimented on, serving the separate networks at first. */
export interface Shop {
  readonly endpoint: string;
  readonly control: ExperimentClient;
  readonly client: InferenceClient;
  /** Which bundle would answer each task, by arm. */
  readonly arms: Readonly<Record<'separate' | 'merged' | 'damaged', Record<string, string>>>;
  /** Waits until the edge serves by this experiment, or by none: it trusts the routing it read for some seconds. */
  waitForExperiment(expected: string | null): Promise<void>;
}

const endpoint = 'shop';

/** Publishes the bundles and routes the endpoint; every party gets a key that may do no more than it needs. */
export async function openShop(options: ShopOptions): Promise<Shop> {
  const { platform, adminKey, nets, separate, merged, damaged } = options;
  const access = async (name: string, ...scopes: Scope[]): Promise<{ url: string; key: string }> => ({
    url: platform.controlUrl,
    key: await makeKey(platform.controlUrl, adminKey, `A/B ${name}`, scopes),
  });
  const experimenter = await access('experimenter', 'read', 'write');
  const control = new ExperimentClient(experimenter, await access('judge', 'outcome'));
  const client = new InferenceClient(platform.edgeUrl, (await access('visitors', 'infer')).key);

  for (const { bundle } of [...separate, merged, damaged]) await publishBundle(bundle, experimenter);
  const routesTo = (...bundles: readonly StoredBundle[]): Record<string, string> =>
    Object.fromEntries(
      bundles.flatMap(({ bundle, manifest }) => manifest.heads.map(({ task }) => [task, bundle.id])),
    );
  const arms = { separate: routesTo(...separate), merged: routesTo(merged), damaged: routesTo(damaged) };
  await routeEndpoint(endpoint, arms.separate, experimenter);

  const waitForExperiment = async (expected: string | null): Promise<void> => {
    const [net] = nets;
    if (!net) throw new Error('Cannot run an experiment without networks');
    const { task, test } = net.images;
    for (let attempt = 0; attempt < 60; attempt += 1) {
      const reply = await client.send(endpoint, [task], test.inputs([0]), [1, ...test.sampleDims]);
      await reply.arrayBuffer();
      if (reply.headers.get('x-experiment') === expected) return;
      await setTimeout(500);
    }
    throw new Error(`Cannot go on: the edge did not turn to experiment ${expected ?? '(none)'}`);
  };
  return { endpoint, control, client, arms, waitForExperiment };
}
