import type { Env } from '../../workers/control/env.ts';
import type { D1Migration } from 'cloudflare:test';

declare global {
  namespace Cloudflare {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- merges into the runtime's own declaration
    interface Env extends ControlBindings {}
  }
}
interface ControlBindings extends Env {
  /** Read by vitest.config.ts, which runs where there is a file system. */
  TEST_MIGRATIONS: D1Migration[];
}
