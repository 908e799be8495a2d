import { ButtonLink } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { State } from '../ui/Badge.tsx';

/** No runner has read the version yet. */
export const Waiting = () => (
  <EmptyState
    title="A runner has not read this version yet"
    action={<ButtonLink to="/jobs">See the jobs</ButtonLink>}
  >
    <State tone="accent" live>
      This page looks again by itself
    </State>{' '}
    A job that failed says why, and can be tried again.
  </EmptyState>
);
