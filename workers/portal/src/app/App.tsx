import { CSPProvider } from '@base-ui/react/csp-provider';
import { useSyncExternalStore } from 'react';
import { ApiProvider } from '../api/ApiContext.tsx';
import { session } from '../session/session.ts';
import { SignIn } from '../session/SignIn.tsx';
import { ToastHost } from '../ui/Toast.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { Pages } from './Pages.tsx';
import { Shell } from './Shell.tsx';

export function App() {
  const current = useSyncExternalStore(session.subscribe, session.get);
  return (
    <ErrorBoundary>
      {/* The page's policy lets no inline style in. */}
      <CSPProvider disableStyleElements>
        {current === null ? (
          <SignIn />
        ) : (
          <ApiProvider apiKey={current.key}>
            <Shell>
              <Pages />
            </Shell>
          </ApiProvider>
        )}
        <ToastHost />
      </CSPProvider>
    </ErrorBoundary>
  );
}
