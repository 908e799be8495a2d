import { json, nothing, type Operation, type OperationGroup } from './operation.ts';
import type { RequestName } from './schemas.ts';

/** What models, data sets and bundles have in common. */
function namedOperations(kind: string, one: string, body: RequestName): readonly Operation[] {
  const base = `/v1/${kind}`;
  return [
    {
      method: 'get',
      path: base,
      scopes: ['read'],
      summary: `List ${one}s by name`,
      query: ['q', 'cursor'],
      replies: { 200: json('ItemList', 'A page of names.') },
      errors: ['invalid'],
    },
    ...(kind === 'bundles'
      ? []
      : [
          {
            method: 'get',
            path: `${base}/{name}`,
            scopes: ['read'],
            summary: `A ${one} with its aliases, tags and card`,
            replies: { 200: json('Item', 'The item.') },
            errors: ['invalid', 'not-found'],
          } as const,
        ]),
    {
      method: 'put',
      path: `${base}/{name}/tags`,
      scopes: ['write'],
      summary: 'Set all tags',
      body: 'SetTagsRequest',
      replies: { 200: json('Item') },
      errors: ['not-found'],
    },
    {
      method: 'put',
      path: `${base}/{name}/card`,
      scopes: ['write'],
      summary: 'Write the card',
      body: 'SetCardRequest',
      replies: { 200: json('Item') },
      errors: ['not-found'],
    },
    {
      method: 'post',
      path: `${base}/{name}/versions`,
      scopes: ['write'],
      summary: `Register the next version of a ${one}; the same document again is the same version`,
      body,
      replies: { 201: json('RegisteredVersion', 'A new version.'), 200: json('RegisteredVersion', 'Known.') },
      errors: ['unprocessable'],
    },
    {
      method: 'get',
      path: `${base}/{name}/versions`,
      scopes: ['read'],
      summary: 'List versions, newest first',
      query: ['cursor'],
      replies: { 200: json('VersionList', 'A page of versions.') },
      errors: ['invalid', 'not-found'],
    },
    {
      method: 'get',
      path: `${base}/{name}/versions/{ref}`,
      scopes: ['read'],
      summary: 'A version by its number, an alias or "latest"',
      replies: { 200: json('Version', 'The version.') },
      errors: ['invalid', 'not-found'],
    },
    {
      method: 'delete',
      path: `${base}/{name}/versions/{ref}`,
      scopes: ['write'],
      summary: 'Delete a version by its number, unless something refers to it',
      replies: { 204: nothing('It is gone; its number does not come back.') },
      errors: ['invalid', 'not-found', 'conflict'],
    },
    {
      method: 'get',
      path: `${base}/{name}/versions/{ref}/lineage`,
      scopes: ['read'],
      summary: 'What it was made from, and what was made from it',
      replies: { 200: json('Lineage', 'Both ways.') },
      errors: ['invalid', 'not-found'],
    },
    {
      method: 'get',
      path: `${base}/{name}/versions/{ref}/inspection`,
      scopes: ['read'],
      summary: 'What a runner read of it',
      replies: { 200: json('VersionInspection', 'Null until one has.') },
      errors: ['invalid', 'not-found'],
    },
    {
      method: 'put',
      path: `${base}/{name}/aliases/{alias}`,
      scopes: ['write'],
      summary: 'Point an alias at a version',
      body: 'SetAliasRequest',
      replies: { 200: json('Alias') },
      errors: ['not-found'],
    },
    {
      method: 'delete',
      path: `${base}/{name}/aliases/{alias}`,
      scopes: ['write'],
      summary: 'Remove an alias',
      replies: { 204: nothing('It points nowhere; its history stays.') },
      errors: ['invalid', 'not-found'],
    },
    {
      method: 'get',
      path: `${base}/{name}/aliases/{alias}/history`,
      scopes: ['read'],
      summary: 'Where an alias pointed, newest first',
      query: ['cursor'],
      replies: { 200: json('AliasHistory', 'A page of changes.') },
      errors: ['invalid', 'not-found'],
    },
  ];
}

export const registryOperations: readonly OperationGroup[] = [
  {
    name: 'Models',
    says: 'Trained networks as versions that never change.',
    operations: namedOperations('models', 'model', 'ModelDocument'),
  },
  {
    name: 'Data sets',
    says: 'What networks are retrained and judged on, as versions that never change.',
    operations: namedOperations('datasets', 'data set', 'DatasetDocument'),
  },
  {
    name: 'Bundles',
    says: 'What merges lead to and endpoints serve: a trunk and heads under one manifest.',
    operations: [
      {
        method: 'post',
        path: '/v1/bundles',
        scopes: ['write'],
        summary: 'Publish a bundle whose files are stored; it becomes the next version of its name',
        body: 'Manifest',
        replies: { 201: json('Bundle', 'Published.'), 200: json('Bundle', 'It was published before.') },
        errors: ['unprocessable', 'unavailable'],
      },
      {
        method: 'get',
        path: '/v1/bundles/{name}',
        scopes: ['read'],
        summary:
          'A bundle with its aliases, tags and card; or, under its id of 64 hex digits, its manifest byte for byte',
        replies: { 200: json('Item', 'The item, or the manifest.') },
        errors: ['invalid', 'not-found'],
      },
      ...namedOperations('bundles', 'bundle', 'BundleDocument'),
    ],
  },
  {
    name: 'Endpoints',
    says: 'Stable names that clients ask; which bundle answers each task is one change, made at once.',
    operations: [
      {
        method: 'get',
        path: '/v1/endpoints',
        scopes: ['read'],
        summary: 'List endpoints by name',
        query: ['cursor'],
        replies: { 200: json('EndpointList', 'A page of them.') },
      },
      {
        method: 'get',
        path: '/v1/endpoints/{name}',
        scopes: ['read'],
        summary: 'What an endpoint serves, and served',
        query: ['cursor'],
        replies: { 200: json('EndpointDetail', 'The endpoint; its ETag is for If-Match.') },
        errors: ['invalid', 'not-found'],
      },
      {
        method: 'get',
        path: '/v1/endpoints/{name}/traffic',
        scopes: ['read'],
        summary: 'Requests, errors and latency of an endpoint over time',
        query: ['from', 'to', 'resolution'],
        replies: { 200: json('EndpointTraffic', 'A point for each minute, hour or day that had any.') },
        errors: ['invalid', 'not-found'],
      },
      {
        method: 'get',
        path: '/v1/traffic',
        scopes: ['read'],
        summary: 'Requests, errors and latency of every endpoint in all',
        query: ['from', 'to', 'resolution', 'cursor'],
        replies: { 200: json('TrafficList', 'The same page as of the list of endpoints.') },
        errors: ['invalid'],
      },
      {
        method: 'put',
        path: '/v1/endpoints/{name}',
        scopes: ['write'],
        summary:
          'Say which bundle answers each task from now on; rolling back is saying what was said before',
        headers: ['If-Match'],
        body: 'SetEndpointRequest',
        replies: { 201: json('Endpoint', 'A new endpoint.'), 200: json('Endpoint') },
        errors: ['conflict', 'unprocessable', 'unavailable'],
      },
      {
        method: 'delete',
        path: '/v1/endpoints/{name}',
        scopes: ['write'],
        summary: 'Delete an endpoint with its history',
        replies: { 204: nothing('Nobody answers under this name any more.') },
        errors: ['invalid', 'not-found', 'conflict', 'unavailable'],
      },
    ],
  },
];
