import { endpointView, type EndpointView } from '../../shared/api.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { callControl, type ControlAccess } from './controlClient.ts';

/** What publishing did with the bundle's files. */
export interface Published {
  readonly uploaded: number;
  /** Already there: another bundle has the same content, or an earlier attempt got that far. */
  readonly skipped: number;
  readonly uploadedBytes: number;
}

export interface PublishOptions {
  readonly onProgress?: (progress: {
    readonly path: string;
    readonly sentBytes: number;
    readonly totalBytes: number;
  }) => void;
}

/**
 * Uploads a bundle: the blobs that the service lacks, then the manifest, so that a manifest never names what is not
 * there. May be repeated: it goes on where it stopped.
 *
 * @throws {Error} "Cannot publish bundle <name>: ..." with the service's own sentence
 */
export async function publishBundle(
  bundle: Bundle,
  access: ControlAccess,
  { onProgress }: PublishOptions = {},
): Promise<Published> {
  const { manifest } = bundle;
  const totalBytes = manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let sentBytes = 0;
  let uploaded = 0;
  let uploadedBytes = 0;
  try {
    for (const { path, sha256, sizeBytes } of manifest.files) {
      const at = `/v1/blobs/${sha256}`;
      const present = await callControl(access, { method: 'HEAD', path: at, accept: [404] });
      if (present.status === 404) {
        const body = bundle.files.get(path);
        if (!body) throw new Error(`file ${path} is missing`);
        await drain(await callControl(access, { method: 'PUT', path: at, body }));
        uploaded += 1;
        uploadedBytes += sizeBytes;
      }
      sentBytes += sizeBytes;
      onProgress?.({ path, sentBytes, totalBytes });
    }
    const body = bundle.manifestBytes;
    await drain(
      await callControl(access, {
        method: 'POST',
        path: '/v1/bundles',
        body,
        contentType: 'application/json',
      }),
    );
  } catch (cause) {
    throw explained(`publish bundle ${manifest.name}`, cause);
  }
  return { uploaded, skipped: manifest.files.length - uploaded, uploadedBytes };
}

/**
 * Makes an endpoint answer each task from the bundle of that id, from now on.
 *
 * @throws {Error} "Cannot route endpoint <name>: ..." with the service's own sentence
 */
export async function routeEndpoint(
  name: string,
  tasks: Readonly<Record<string, string>>,
  access: ControlAccess,
): Promise<EndpointView> {
  try {
    const response = await callControl(access, {
      method: 'PUT',
      path: `/v1/endpoints/${encodeURIComponent(name)}`,
      body: JSON.stringify({ tasks }),
      contentType: 'application/json',
    });
    return endpointView.parse(await response.json());
  } catch (cause) {
    throw explained(`route endpoint ${name}`, cause);
  }
}

/** Lets the connection be used again. */
async function drain(response: Response): Promise<void> {
  await response.arrayBuffer();
}

const explained = (action: string, cause: unknown): Error =>
  new Error(`Cannot ${action}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
