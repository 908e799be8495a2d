import { findBundles } from '../store/bundles.ts';
import type { Database } from '../store/database.ts';
import { bundlesAmong } from '../store/versions.ts';
import { findDisagreement } from './agreement.ts';

/**
 * Why requests cannot be answered with these bundles, or null when they can: each must be published in the project, have
 * the task's head, and read the same inputs as the others.
 *
 * @param tasks tasks and the bundles that answer them, in any number
 */
export async function findUnservable(
  db: Database,
  project: string,
  tasks: readonly (readonly [task: string, bundle: string])[],
): Promise<string | null> {
  const ids = [...new Set(tasks.map(([, bundle]) => bundle))];
  const own = await bundlesAmong(db, project, ids);
  const rows = await findBundles(db, [...own]);
  const bundles = new Map(rows.map((row) => [row.id, row]));
  const readers = [];
  for (const [task, id] of tasks) {
    const bundle = bundles.get(id);
    if (bundle === undefined) return `bundle ${id} of task "${task}" is not published`;
    if (!bundle.tasks.includes(task)) {
      return `bundle ${id} ("${bundle.name}") has no head "${task}", it has ${bundle.tasks.join(', ')}`;
    }
    readers.push({ task, inputs: bundle.inputs });
  }
  const [first, ...others] = readers;
  for (const other of others) {
    const why = first && findDisagreement(first, other);
    if (why) return why;
  }
  return null;
}
