import { lazy, Suspense, type ComponentType } from 'react';
import { Route, Switch } from 'wouter';
import { ButtonLink } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Page } from '../ui/Page.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { routes, type PageComponent } from './routes.ts';

const pages = routes.map(({ path, load }) => ({ path, Component: lazy(load) }));

/** The page of the address. */
export function Pages() {
  return (
    <Switch>
      {pages.map(({ path, Component }) => (
        <Route key={path} path={path}>
          {(params) => <Framed Component={Component} params={params as Readonly<Record<string, string>>} />}
        </Route>
      ))}
      <Route>
        <Page title="Nothing is here">
          <EmptyState title="There is no page at this address" action={<ButtonLink to="/">Home</ButtonLink>}>
            The link may be old, or something was left out of it.
          </EmptyState>
        </Page>
      </Route>
    </Switch>
  );
}

function Framed({
  Component,
  params,
}: {
  readonly Component: ComponentType<Parameters<Extract<PageComponent, (...a: never[]) => unknown>>[0]>;
  readonly params: Readonly<Record<string, string>>;
}) {
  // What a page holds belongs to the thing it shows: another thing starts afresh.
  const identity = JSON.stringify(params);
  return (
    <ErrorBoundary key={identity}>
      <Suspense fallback={<Skeleton lines={6} />}>
        <Component params={params} />
      </Suspense>
    </ErrorBoundary>
  );
}
