import { json, nothing, type OperationGroup } from './operation.ts';

/** Who brings content: people, and runners with what came out of a job. */
const senders = ['write', 'runner'] as const;

export const contentOperations: readonly OperationGroup[] = [
  {
    name: 'Content',
    says: 'Files under the SHA-256 of their content. Large ones come in equal parts, and go on where they broke off.',
    operations: [
      {
        method: 'post',
        path: '/v1/uploads',
        scopes: senders,
        summary: 'Announce a file; the same file again is the same upload',
        body: 'CreateUploadRequest',
        replies: { 201: json('Upload', 'Begun.'), 200: json('Upload', 'Begun before, or stored already.') },
        errors: ['too-large', 'unavailable'],
      },
      {
        method: 'get',
        path: '/v1/uploads/{id}',
        scopes: senders,
        summary: 'Which parts are there',
        replies: { 200: json('Upload') },
        errors: ['invalid', 'not-found'],
      },
      {
        method: 'put',
        path: '/v1/uploads/{id}/parts/{part}',
        scopes: senders,
        summary: 'Send a part; needs its Content-Length',
        body: 'bytes',
        replies: { 200: json('Part', 'It is kept.') },
        errors: ['not-found', 'length-required', 'conflict', 'unprocessable', 'unavailable'],
      },
      {
        method: 'post',
        path: '/v1/uploads/{id}/commit',
        scopes: senders,
        summary: 'Make the parts a blob, once their SHA-256 is the one announced',
        replies: { 200: json('Upload', 'Stored.') },
        errors: ['invalid', 'not-found', 'conflict', 'unprocessable', 'unavailable'],
      },
      {
        method: 'delete',
        path: '/v1/uploads/{id}',
        scopes: senders,
        summary: 'Give an upload up',
        replies: { 204: nothing('Its parts are forgotten.') },
        errors: ['invalid', 'not-found', 'unavailable'],
      },
      {
        method: 'put',
        path: '/v1/blobs/{sha256}',
        scopes: senders,
        summary: 'Store a small file in one request; needs its Content-Length',
        body: 'bytes',
        replies: { 201: json('Blob', 'Stored.'), 200: json('Blob', 'It was there already.') },
        errors: ['length-required', 'unprocessable', 'unavailable'],
      },
      {
        method: 'get',
        path: '/v1/blobs/{sha256}',
        scopes: ['read', 'runner'],
        summary: 'Read a file',
        headers: ['Range'],
        replies: {
          200: { says: 'All of it.', type: 'application/octet-stream' },
          206: { says: 'The part asked for.', type: 'application/octet-stream' },
          416: nothing('There is no such part; Content-Range says how long it is.'),
        },
        errors: ['invalid', 'not-found', 'unavailable'],
      },
      {
        method: 'post',
        path: '/v1/gc',
        scopes: ['admin'],
        summary:
          'Delete what nothing refers to, a part at a time; only says what would go unless told otherwise',
        body: 'GcRequest',
        replies: { 200: json('GcReply', 'What this part did. Again with its `next` until that is null.') },
        errors: ['unavailable'],
      },
    ],
  },
];
