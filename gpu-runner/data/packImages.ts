import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createTarPacker, type TarPackController } from 'modern-tar';
import { withImageFiles, type ImageFiles } from './imageFiles.ts';
import { reasonOf } from './zipArchive.ts';

/**
 * Packs a folder of class folders as a .tar for uploading: sorted, without times or owners, so that the same files always
 * give the same bytes. Images do not compress, so nothing is compressed.
 *
 * @throws {Error} "Cannot pack <folder>: ..."; nothing is left at `target` then
 */
export async function packImages(folder: string, target: string): Promise<void> {
  const partial = `${target}.partial`;
  try {
    await withImageFiles(folder, async (images) => {
      const { readable, controller } = createTarPacker();
      const written = pipeline(Readable.fromWeb(readable), createWriteStream(partial));
      await Promise.all([written, addAll(images, controller)]);
    });
    await rename(partial, target);
  } catch (cause) {
    await rm(partial, { force: true });
    throw new Error(`Cannot pack ${folder}: ${reasonOf(cause)}`, { cause });
  }
}

async function addAll(images: ImageFiles, controller: TarPackController): Promise<void> {
  try {
    for await (const { path, bytes } of images.read()) {
      const content = await bytes();
      const header = { name: path, size: content.length, mtime: new Date(0), mode: 0o644, uid: 0, gid: 0 };
      const writer = controller.add(header).getWriter();
      await writer.write(content);
      await writer.close();
    }
    controller.finalize();
  } catch (cause) {
    // Ends the pipeline too.
    controller.error(cause);
    throw cause;
  }
}
