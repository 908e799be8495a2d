import { useSyncExternalStore } from 'react';
import { ApiProvider } from '../api/ApiContext.tsx';
import { session } from '../session/session.ts';
import { SignIn } from '../session/SignIn.tsx';
import { ToastProvider } from '../ui/Toast.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { Pages } from './Pages.tsx';
import { Shell } from './Shell.tsx';

export function App() {
  const current = useSyncExternalStore(session.subscribe, session.get);
  return (
    <ErrorBoundary>
      <ToastProvider>
        {current === null ? (
          <SignIn />
        ) : (
          <ApiProvider apiKey={current.key}>
            <Shell>
              <Pages />
            </Shell>
          </ApiProvider>
        )}
      </ToastProvider>
    </ErrorBoundary>
  );
}
