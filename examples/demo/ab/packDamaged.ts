import { percent } from '../../../gpu-runner/runner/figures.ts';
import type { Progress } from '../progress.ts';
import { packZipped, type DemoNet, type StoredBundle, type ZippedNets } from '../zipNets.ts';
import { damageLayer } from './damageLayer.ts';

/** The second convolution, which the trunk computes for both tasks. */
const layer = 1;
const noise = 1.5;
const seed = 7;

/** The zipped network with noise in one layer of its trunk, as a bundle whose name and accuracy say so. */
export async function packDamaged(
  zipped: ZippedNets,
  nets: readonly DemoNet[],
  folder: string,
  progress: Progress,
): Promise<StoredBundle> {
  progress.step('Damaging a copy of the zipped network: noise on the weights of one layer of its trunk');
  const network = damageLayer(zipped.network, layer, noise, seed);
  const stored = await packZipped('zipped-damaged', { ...zipped, network }, nets, folder);
  const accuracies = stored.manifest.heads.map(
    ({ task, accuracy }) => `${task} ${accuracy === null ? 'unknown' : percent(accuracy.after)}`,
  );
  progress.note(`held-out accuracy after it: ${accuracies.join(', ')}`);
  return stored;
}
