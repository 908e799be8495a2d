import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleFile, type BundleFile } from '../../../shared/manifest.ts';
import type { ResolvedVersion } from '../../../shared/jobs.ts';
import { JobError, type JobContext } from './job.ts';

/**
 * The files of a version in a folder of its own, under their names: external data lies where its graph looks for it.
 *
 * @param place which folder, below the job's own
 * @returns the folder
 */
export async function fetchFiles(
  { name, version, document }: ResolvedVersion,
  place: string,
  { cache, folder, signal, report }: Pick<JobContext, 'cache' | 'folder' | 'signal' | 'report'>,
): Promise<string> {
  const target = join(folder, place);
  await mkdir(target, { recursive: true });
  for (const [index, file] of checkedFiles(name, version, document.files).entries()) {
    const what = `${name}@${version}: ${file.path}, ${index + 1} of ${document.files.length} files`;
    let told = 0;
    report({ stage: 'download', message: what });
    await cache.place(file, join(target, file.path), {
      signal,
      onProgress(received) {
        const share = Math.floor((100 * received) / file.sizeBytes);
        if (share < told + 5) return;
        told = share;
        report({ stage: 'download', message: `${what}, ${share} %` });
      },
    });
  }
  return target;
}

/** Names from elsewhere become paths here: the contract's schema lets no folder through. */
function checkedFiles(name: string, version: number, files: readonly unknown[]): BundleFile[] {
  const checked = bundleFile.array().min(1).safeParse(files);
  if (checked.success) return checked.data;
  throw new JobError(`Cannot fetch ${name}@${version}: its files are not named as files are`, {
    retryable: false,
    cause: checked.error,
  });
}
