import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createContext, useContext, useMemo, type ReactNode } from 'react';
import { TrunklineClient } from '../../../../client/client.ts';
import { ApiError } from '../../../../client/http.ts';
import { InferenceClient } from '../../../../client/inference.ts';
import { session } from '../session/session.ts';

/** What a page talks to: the control plane, and the edge through the same origin. */
export interface Api {
  readonly client: TrunklineClient;
  readonly inference: InferenceClient;
}

const ApiContext = createContext<Api | null>(null);

/** Made anew for each session: nothing that one key saw is shown to the next. */
export function ApiProvider({
  apiKey,
  children,
}: {
  readonly apiKey: string | null;
  readonly children: ReactNode;
}) {
  const [api, queries] = useMemo(() => {
    const options = { url: location.origin, ...(apiKey !== null && { key: apiKey }) };
    return [
      { client: new TrunklineClient(options), inference: new InferenceClient(options) },
      makeQueries(),
    ] as const;
  }, [apiKey]);
  return (
    <ApiContext value={api}>
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
    </ApiContext>
  );
}

export function useApi(): Api {
  const api = useContext(ApiContext);
  if (api === null) throw new Error('useApi() outside of ApiProvider');
  return api;
}

const makeQueries = (): QueryClient => {
  const queries = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5000,
        // The client repeats what may pass by itself.
        retry: false,
        throwOnError: (error) => {
          // A key that was revoked meanwhile: back to the sign-in.
          if (error instanceof ApiError && error.code === 'unauthenticated') session.signOut();
          return false;
        },
      },
    },
  });
  return queries;
};
