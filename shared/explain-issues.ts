import type { z } from 'zod';

/** Issues told at most: a wrong document can have thousands. */
const maxTold = 5;

/** Where and why a document breaks its schema, as one line: `heads[0].task must be ...; files is missing`. */
export function explainIssues({ issues }: z.ZodError): string {
  const told = issues.slice(0, maxTold).map(({ path, message }) => {
    const where = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
    return where === '' ? message : `${where.replace(/^\./, '')}: ${message}`;
  });
  const untold = issues.length - told.length;
  return told.join('; ') + (untold > 0 ? `; and ${untold} more` : '');
}
