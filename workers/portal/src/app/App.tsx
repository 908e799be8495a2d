import { CSPProvider } from '@base-ui/react/csp-provider';
import { lazy, Suspense, useSyncExternalStore } from 'react';
import { ApiProvider } from '../api/ApiContext.tsx';
import { session } from '../session/session.ts';
import { ToastHost } from '../ui/Toast.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { Pages } from './Pages.tsx';
import { Shell } from './Shell.tsx';

// Whoever is signed in already does not need it.
const SignIn = lazy(() => import('../session/SignIn.tsx'));

export function App() {
  const current = useSyncExternalStore(session.subscribe, session.get);
  return (
    <ErrorBoundary>
      {/* The page's policy lets no inline style in. */}
      <CSPProvider disableStyleElements>
        {current === null ? (
          <Suspense fallback={null}>
            <SignIn />
          </Suspense>
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
