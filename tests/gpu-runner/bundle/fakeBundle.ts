import { sealBundle, sha256, type Bundle } from '../../../gpu-runner/bundle/bundle.ts';
import type { Manifest } from '../../../shared/manifest.ts';

/** A bundle with a valid manifest around files that nobody opens. */
export function fakeBundle(
  contents: Record<string, string> = { 'head-digit.onnx': 'graph', 'head-digit.weights': 'w' },
): Bundle {
  const files = new Map(
    Object.entries(contents).map(([path, text]) => [path, new TextEncoder().encode(text)]),
  );
  const [graph = '', ...weights] = files.keys();
  const manifest: Manifest = {
    format: 'trunkline.bundle/1',
    name: 'fake',
    createdAt: '2026-01-02T03:04:05.000Z',
    inputs: [{ name: 'image', dtype: 'float32', dims: [-1, 4] }],
    trunk: null,
    heads: [
      {
        task: 'digit',
        graph,
        weights,
        inputs: [{ name: 'image', dtype: 'float32', dims: [-1, 4] }],
        output: { name: 'logits', dtype: 'float32', dims: [-1, 2] },
        macs: 8,
        parameters: 10,
        labels: ['no', 'yes'],
        accuracy: { before: 0.9, after: 0.9, samples: 100 },
      },
    ],
    files: [...files].map(([path, bytes]) => ({ path, sha256: sha256(bytes), sizeBytes: bytes.length })),
    preprocessing: 'none',
    recipe: null,
    lineage: { models: [{ task: 'digit', name: 'fake', sha256: '0'.repeat(64) }], retrainingSteps: 0 },
    sharing: [],
    parity: { maxAbsDifference: 0, tolerance: 1e-4, samples: 16 },
  };
  return sealBundle(manifest, files);
}
