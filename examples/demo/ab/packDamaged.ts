import { percent } from '../../../gpu-runner/runner/figures.ts';
import type { Progress } from '../progress.ts';
import { packZipped, type StoredBundle } from '../packNets.ts';
import type { DemoNet } from '../zipNets.ts';
import type { MeasuredZip } from '../zippedReport.ts';
import { damageLayer } from './damageLayer.ts';

/** The second convolution, which the trunk computes for both tasks. */
const layer = 1;
const noise = 1.5;
const seed = 7;
/** The report's plan and retraining are those of the network before. */
const damageNote = `After the merge, noise was added to the weights of layer ${layer + 1}, ${noise} times their size: what was measured is of the damaged network.`;

/** The zipped network with noise in one layer of its trunk, as a bundle whose name and accuracy say so. */
export async function packDamaged(
  zipped: MeasuredZip,
  nets: readonly DemoNet[],
  folder: string,
  progress: Progress,
): Promise<StoredBundle> {
  progress.step('Damaging a copy of the zipped network: noise on the weights of one layer of its trunk');
  const network = damageLayer(zipped.network, layer, noise, seed);
  const stored = await packZipped('zipped-damaged', { ...zipped, network }, nets, folder, [damageNote]);
  const accuracies = stored.manifest.heads.map(
    ({ task, accuracy }) => `${task} ${accuracy === null ? 'unknown' : percent(accuracy.after)}`,
  );
  progress.note(`held-out accuracy after it: ${accuracies.join(', ')}`);
  return stored;
}
