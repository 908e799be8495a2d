import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('the training command refuses a task that it does not know', () => {
  const command = join(import.meta.dirname, '../../examples/train.ts');
  const { status, stderr } = spawnSync(process.execPath, [command, 'speech'], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toContain('Cannot train speech: the tasks are digit, fashion');
});
