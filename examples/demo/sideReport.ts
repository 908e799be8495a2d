import { servedFiles } from '../../shared/manifest.ts';
import type { Reply } from './client.ts';
import { quantile } from './quantile.ts';
import type { SideReport } from './report.ts';
import type { StoredBundle } from './packNets.ts';

/** What one endpoint stores, computes and takes, from its bundles' manifests and the replies it gave. */
export function sideReport(
  endpoint: string,
  bundles: readonly StoredBundle[],
  replies: readonly Reply[],
  ortWebMs: number,
  ortHeapBytes: number,
): SideReport {
  const manifests = bundles.map(({ manifest }) => manifest);
  const files = manifests.flatMap(servedFiles);
  const parts = manifests.flatMap(({ trunk, heads }) => [...(trunk ? [trunk] : []), ...heads]);
  const latencies = replies.filter((one) => one.question.endpoint === endpoint).map((one) => one.latencyMs);
  return {
    endpoint,
    storedBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    macs: parts.reduce((sum, part) => sum + part.macs, 0),
    ortWebMs,
    ortHeapBytes,
    latencyP50Ms: quantile(latencies, 0.5),
    latencyP99Ms: quantile(latencies, 0.99),
  };
}
