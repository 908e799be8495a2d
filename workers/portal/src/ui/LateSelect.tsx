import { lazy, Suspense, type ComponentProps } from 'react';
import { Skeleton } from './Skeleton.tsx';

const Select = lazy(async () => ({ default: (await import('./Select.tsx')).Select<string> }));

/** A choice that few people open: its code, a tenth of a first load, comes when it is shown. */
export const LateSelect = (props: ComponentProps<typeof Select>) => (
  <Suspense fallback={<Skeleton lines={1} label="Loading the choice" />}>
    <Select {...props} />
  </Suspense>
);
