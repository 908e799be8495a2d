import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Platform } from '../../scripts/platform.ts';
import type { Dataset } from '../../gpu-runner/engine/dataset.ts';

export interface KeepOptions {
  readonly platform: Platform;
  readonly folder: string;
  readonly inferKey: string;
  readonly endpoint: string;
  readonly tasks: readonly string[];
  readonly images: Readonly<Record<string, Dataset>>;
}

/** Leaves the Workers up until the terminal says otherwise, and says how to ask them. */
export async function keepServing({
  platform,
  folder,
  inferKey,
  endpoint,
  tasks,
  images,
}: KeepOptions): Promise<never> {
  const [task = ''] = tasks;
  const sample = images[task];
  if (!sample) throw new Error(`Cannot write a request: task "${task}" has no images`);
  const data = Array.from(sample.inputs([0]), (pixel) => Number(pixel.toFixed(4)));
  const shape = [1, ...sample.sampleDims];
  const outputs = tasks.map((name) => ({ name, parameters: { classification: 3 } }));
  const file = join(folder, 'request.json');
  await writeFile(
    file,
    JSON.stringify({ inputs: [{ name: 'image', datatype: 'FP32', shape, data }], outputs }),
  );
  console.log(
    [
      '',
      `The edge Worker answers at ${platform.edgeUrl}, the control Worker at ${platform.controlUrl}.`,
      'A held-out digit, asked of both heads (three best classes of each):',
      '',
      `  curl -s -H 'Authorization: Bearer ${inferKey}' \\`,
      `    -d @'${relative(process.cwd(), file)}' ${platform.edgeUrl}/v2/models/${endpoint}/infer`,
      '',
      'Press Ctrl-C to stop them.',
    ].join('\n'),
  );
  // The Workers keep this process alive; a signal stops them, and it.
  return new Promise<never>(() => undefined);
}
