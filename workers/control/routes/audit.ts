import { Hono } from 'hono';
import type { AuditList } from '../../../shared/api.ts';
import { listAudit } from '../../store/audit.ts';
import { requireScope, visibleProject } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { numberCursor } from '../read-request.ts';

/** Who changed what, and when. */
export const auditRoutes = new Hono<ControlEnv>().use(requireScope('admin')).get('/', async (c) => {
  const { rows, next } = await listAudit(c.get('services').stores.db, visibleProject(c), numberCursor(c));
  const entries = rows.map(({ at, actor, action, subject, detail }) => ({
    at,
    actor,
    action,
    subject,
    detail,
  }));
  return c.json({ entries, next } satisfies AuditList);
});
