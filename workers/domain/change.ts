import { defaultProject } from '../../shared/keys.ts';

/** Who changes something, and when: what every audit row and every new row carries. */
export interface Change {
  /** Id of the API key, or `bootstrap`. */
  actor: string;
  /** Whose things are changed; the default project, when left out. */
  project?: string;
  /** ISO 8601, UTC. */
  at: string;
}

export const projectOf = ({ project }: Change): string => project ?? defaultProject;
