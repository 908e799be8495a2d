import type { VersionRow } from '../../store/versions.ts';

/** One source of a merge with the versions it names, as they are now. */
export interface ResolvedSource {
  task: string;
  model: VersionRow;
  data: VersionRow;
}
