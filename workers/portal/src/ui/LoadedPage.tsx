import type { ReactNode } from 'react';
import { Loaded, type Loading } from './Loaded.tsx';
import { Page } from './Page.tsx';

/** A page that is all about one thing: its name stands there while the thing loads, and when it does not come. */
export function LoadedPage<Data>({
  query,
  title,
  crumbs,
  children,
}: {
  readonly query: Loading<Data>;
  readonly title: string;
  readonly crumbs: readonly (readonly [label: string, to: string])[];
  readonly children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  return (
    <Page title={title} crumbs={crumbs}>
      <Loaded query={query} lines={8}>
        {children}
      </Loaded>
    </Page>
  );
}
