import type { KeyGrant } from '../../shared/keys.ts';

/** Who asks, and what for. */
export interface Caller extends KeyGrant {
  /** The operator's bootstrap key: it manages the keys of all projects. Everybody else is held to their own. */
  isOperator: boolean;
}
