import { json, nothing, type OperationGroup } from './operation.ts';

export const keyOperations: readonly OperationGroup[] = [
  {
    name: 'Service',
    says: 'Whether it is up, and what it can do.',
    operations: [
      {
        method: 'get',
        path: '/health',
        scopes: [],
        summary: 'Whether the control Worker answers',
        replies: { 200: { says: 'It does.', type: 'application/json' } },
      },
      {
        method: 'get',
        path: '/openapi.json',
        scopes: [],
        summary: 'This document',
        replies: { 200: { says: 'OpenAPI 3.1.', type: 'application/json' } },
      },
      {
        method: 'get',
        path: '/docs',
        scopes: [],
        summary: 'This document as a page',
        replies: { 200: { says: 'HTML that needs nothing else.', type: 'text/html' } },
      },
    ],
  },
  {
    name: 'Keys',
    says: 'Who may do what in a project. A key is shown once, when it is made.',
    operations: [
      {
        method: 'post',
        path: '/v1/keys',
        scopes: ['admin'],
        summary: 'Make a key',
        body: 'CreateKeyRequest',
        replies: { 201: json('CreatedKey', 'The key, this once.') },
      },
      {
        method: 'get',
        path: '/v1/keys',
        scopes: ['admin'],
        summary: 'List keys, newest first',
        query: ['cursor'],
        replies: { 200: json('KeyList', 'A page of them, revoked ones included.') },
        errors: ['invalid'],
      },
      {
        method: 'delete',
        path: '/v1/keys/{id}',
        scopes: ['admin'],
        summary: 'Revoke a key',
        replies: { 204: nothing('It is revoked: here at once, at the edge within a minute.') },
        errors: ['not-found', 'unavailable'],
      },
      {
        method: 'get',
        path: '/v1/audit',
        scopes: ['admin'],
        summary: 'Who changed what, newest first',
        query: ['cursor'],
        replies: { 200: json('AuditList', 'A page of changes.') },
        errors: ['invalid'],
      },
    ],
  },
];
