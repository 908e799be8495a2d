import { ApiError } from '../../client/http.ts';
import { CommandError } from './context.ts';

/** What to try next after an error, as a command; null when nothing in particular. */
export function nextStep(error: unknown): string | null {
  if (error instanceof CommandError) return error.next;
  if (!(error instanceof ApiError)) return null;
  switch (error.status) {
    case 0:
      return 'npm start (a platform on this machine), or name another service with --url';
    case 401:
      return 'trunkline login';
    case 403:
      return 'trunkline keys create (with an operator key: one with the scope that is needed)';
    case 404:
      return 'trunkline ls';
    default:
      return null;
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
