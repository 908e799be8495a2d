import { Component, type ReactNode } from 'react';
import { ErrorState } from '../ui/ErrorState.tsx';

/** Where a page breaks, the rest stays. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error: error ?? new Error('Something broke') };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <div data-broken>
        <ErrorState error={this.state.error} onRetry={() => this.setState({ error: null })} />
      </div>
    );
  }
}
