import { app } from '../../../workers/control/app.ts';
import type { Operation } from '../../../workers/control/openapi/operation.ts';
import { operationGroups } from '../../../workers/control/openapi/operations.ts';

/** Every documented route. */
export const operations: Operation[] = operationGroups.flatMap((group) => [...group.operations]);

/** `GET /v1/jobs/{}`: what is asked for, whatever the parts that vary are called. */
export const routeOf = (method: string, path: string): string =>
  `${method.toUpperCase()} ${path.replaceAll(/:\w+(?:\{[^/]*\})?|\{\w+\}/g, '{}')}`;

/** Every route that Hono answers. Middleware is there too, as one for all methods. */
export const mounted: string[] = [
  ...new Set(
    app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => routeOf(method, path)),
  ),
];
