/**
 * A bucket of a real S3-speaking server (fauxqs) behind a gate that does what the server leaves out: it checks
 * signatures and digests, lists open uploads and their parts, and breaks things when a test wants it to.
 */
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startFauxqs } from 'fauxqs';
import type { S3Access } from '../../../../gpu-runner/runner/storage/s3Client.ts';

/** `refuse`: 503 SlowDown. `cut`: half an answer. `lose`: done, but the answer never comes. */
export type Fault = 'refuse' | 'cut' | 'lose';

export interface S3Server {
  readonly access: S3Access;
  /** "METHOD key?query", in the order in which they came. */
  readonly requests: string[];
  /** What happens to a request instead of being answered. */
  fault: (request: { readonly method: string; readonly url: string }, count: number) => Fault | undefined;
  /** Changes bytes on their way in. */
  damage: (body: Buffer, count: number) => Buffer;
  stop(): Promise<void>;
}

const bucket = 'trunkline';
const keyId = 'test-key';
const secret = 'test-secret';
const region = 'auto';

export async function startS3Server(): Promise<S3Server> {
  const upstream = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  const address = `http://127.0.0.1:${upstream.port}`;
  await fetch(`${address}/${bucket}`, { method: 'PUT' });
  const uploads = new Map<string, { key: string; parts: Map<number, { etag: string; size: number }> }>();
  let count = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    count += 1;
    server.requests.push(`${method} ${url}`);
    const sent = await read(request);
    const body = server.damage(sent, count);
    const fault = server.fault({ method, url }, count);
    const refusal = fault === 'refuse' ? xmlError('SlowDown', 503) : check(request, body);
    if (refusal) {
      response.writeHead(refusal.status, { 'content-type': 'application/xml' });
      response.end(method === 'HEAD' ? undefined : refusal.xml);
      return;
    }
    const { pathname, searchParams } = new URL(url, address);
    const key = pathname.slice(bucket.length + 2);
    const listed = list(method, key, searchParams);
    const reply = listed
      ? new Response(listed, { headers: { 'content-type': 'application/xml' } })
      : await forward(method, url, request, body);
    const bytes = Buffer.from(await reply.arrayBuffer());
    note(method, key, searchParams, body, reply, bytes.toString());
    if (fault === 'lose') {
      response.destroy();
      return;
    }
    const kept = ['content-type', 'content-length', 'content-range', 'etag'];
    const headers = Object.fromEntries([...reply.headers].filter(([name]) => kept.includes(name)));
    response.writeHead(reply.status, { 'content-length': String(bytes.length), ...headers });
    if (fault === 'cut') {
      response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
      return;
    }
    response.end(method === 'HEAD' ? undefined : bytes);
  }

  const forward = (
    method: string,
    url: string,
    request: IncomingMessage,
    body: Buffer,
  ): Promise<Response> => {
    const range = request.headers.range;
    const sends = method === 'PUT' || method === 'POST';
    const headers = { ...(range !== undefined && { range }), 'content-type': 'application/octet-stream' };
    return fetch(`${address}${url}`, { method, headers, ...(sends && { body: new Uint8Array(body) }) });
  };

  /** Remembers what the listing calls tell. */
  function note(
    method: string,
    key: string,
    query: URLSearchParams,
    body: Buffer,
    reply: Response,
    text: string,
  ): void {
    const upload = uploads.get(query.get('uploadId') ?? '');
    if (!reply.ok) return;
    if (method === 'POST' && query.has('uploads')) {
      const [, id = ''] = /<UploadId>([^<]+)/.exec(text) ?? [];
      uploads.set(id, { key, parts: new Map() });
    } else if (method === 'PUT' && upload) {
      const etag = reply.headers.get('etag') ?? '';
      upload.parts.set(Number(query.get('partNumber')), { etag, size: body.length });
    } else if ((method === 'POST' || method === 'DELETE') && upload) {
      uploads.delete(query.get('uploadId') ?? '');
    }
  }

  /** ListMultipartUploads and ListParts, two parts a page. */
  function list(method: string, key: string, query: URLSearchParams): string | undefined {
    if (method !== 'GET') return undefined;
    if (key === '' && query.has('uploads')) {
      const open = [...uploads].filter(([, upload]) => upload.key.startsWith(query.get('prefix') ?? ''));
      return `<?xml version="1.0"?><ListMultipartUploadsResult>${open
        .map(([id, upload]) => `<Upload><Key>${upload.key}</Key><UploadId>${id}</UploadId></Upload>`)
        .join('')}</ListMultipartUploadsResult>`;
    }
    const upload = uploads.get(query.get('uploadId') ?? '');
    if (!upload) return undefined;
    const after = Number(query.get('part-number-marker') ?? 0);
    const all = [...upload.parts].filter(([number]) => number > after).sort(([a], [b]) => a - b);
    const page = all.slice(0, 2);
    const last = page.at(-1)?.[0] ?? 0;
    return `<?xml version="1.0"?><ListPartsResult><IsTruncated>${all.length > 2}</IsTruncated><NextPartNumberMarker>${last}</NextPartNumberMarker>${page
      .map(
        ([number, { etag, size }]) =>
          `<Part><PartNumber>${number}</PartNumber><ETag>${etag.replaceAll('"', '&quot;')}</ETag><Size>${size}</Size></Part>`,
      )
      .join('')}</ListPartsResult>`;
  }

  const gate = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(599);
      response.end(String(error));
    });
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(gate.address() as AddressInfo).port}`;
  const server: S3Server = {
    access: { endpoint, bucket, region, accessKeyId: keyId, secretAccessKey: secret, retryDelayMs: 1 },
    requests: [],
    fault: () => undefined,
    damage: (body) => body,
    async stop() {
      gate.closeAllConnections();
      await new Promise<void>((resolve) => gate.close(() => resolve()));
      await upstream.stop();
    },
  };
  return server;
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

const xmlError = (code: string, status: number): { xml: string; status: number } => ({
  xml: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code} &quot;as asked&quot;</Message></Error>`,
  status,
});

/** What a service refuses before it does anything: a wrong signature, a damaged body. */
function check(request: IncomingMessage, body: Buffer): { xml: string; status: number } | undefined {
  const url = new URL(request.url ?? '', `http://${request.headers.host ?? ''}`);
  const given =
    url.searchParams.get('X-Amz-Signature') ?? /Signature=(\w+)/.exec(header(request, 'authorization'))?.[1];
  if (given !== signatureOf(request, url)) return xmlError('SignatureDoesNotMatch', 403);
  const sha256 = header(request, 'x-amz-content-sha256');
  if (/^[0-9a-f]{64}$/.test(sha256) && createHash('sha256').update(body).digest('hex') !== sha256)
    return xmlError('XAmzContentSHA256Mismatch', 400);
  const md5 = header(request, 'content-md5');
  if (md5 !== '' && createHash('md5').update(body).digest('base64') !== md5)
    return xmlError('BadDigest', 400);
  return undefined;
}

const header = (request: IncomingMessage, name: string): string => {
  const value = request.headers[name] ?? '';
  return Array.isArray(value) ? value.join() : value;
};

/** AWS Signature Version 4, from its specification, for both forms. */
function signatureOf(request: IncomingMessage, url: URL): string {
  const presigned = url.searchParams.has('X-Amz-Signature');
  const from = (name: string, pattern: RegExp): string =>
    presigned
      ? (url.searchParams.get(`X-Amz-${name}`) ?? '')
      : (pattern.exec(header(request, 'authorization'))?.[1] ?? '');
  const date = presigned ? from('Date', /$^/) : header(request, 'x-amz-date');
  const signedHeaders = from('SignedHeaders', /SignedHeaders=([^,]+)/).split(';');
  const strict = (text: string): string =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${strict(name)}=${strict(value)}`)
    .sort()
    .join('&');
  const canonical = [
    request.method,
    url.pathname,
    query,
    ...signedHeaders.map((name) => `${name}:${header(request, name).trim()}`),
    '',
    signedHeaders.join(';'),
    header(request, 'x-amz-content-sha256') || 'UNSIGNED-PAYLOAD',
  ].join('\n');
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  );
  const mac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
  const signing = mac(mac(mac(mac(`AWS4${secret}`, date.slice(0, 8)), region), 's3'), 'aws4_request');
  return mac(signing, text).toString('hex');
}
