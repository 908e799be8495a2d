import { ButtonLink } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { State } from '../ui/Badge.tsx';

/** No runner has read the version yet. */
export const Waiting = () => (
  <EmptyState
    title="A runner has not read this version yet"
    action={<ButtonLink to="/operations?tab=queue">See the queue</ButtonLink>}
  >
    <State tone="accent" live>
      This page looks again by itself
    </State>
  </EmptyState>
);
