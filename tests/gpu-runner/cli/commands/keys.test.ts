import { expect, test } from 'vitest';
import { digest, keyView } from '../views.ts';
import { withService } from './remote.ts';

const service = withService();

test('keys create prints the key alone, so that a script can take it', async () => {
  service.answer({ 'POST /v1/keys': { status: 201, json: { ...keyView(), key: 'tl_new' } } });
  const { out, err } = await service.run([
    'keys',
    'create',
    '--name',
    'ci',
    '--scopes',
    'read, write',
    '--days',
    '30',
  ]);
  expect(out).toBe('tl_new');
  expect(err).toContain('it is not shown again');
  expect(JSON.parse(String(service.last('POST')?.body))).toEqual({
    name: 'ci',
    scopes: ['read', 'write'],
    expiresInDays: 30,
  });
});

test('keys ls and revoke', async () => {
  service.answer({
    'GET /v1/keys': { keys: [keyView(), keyView({ revokedAt: '2026-01-01T00:00:00Z' })], next: null },
    'DELETE /v1/keys/abc': { status: 204 },
  });
  expect((await service.run(['keys', 'ls'])).out).toMatch(
    /^0123456789abcdef +portal +default +read +.* +revoked$/m,
  );
  expect((await service.run(['keys', 'revoke', 'abc'])).out).toBe('Key abc is revoked.');
});

test('keys create knows the scopes there are', async () => {
  const { status, err } = await service.run(['keys', 'create', '--name', 'x', '--scopes', 'read,fly']);
  expect(status).toBe(2);
  expect(err).toContain(
    'Cannot make a key with scope fly: there are infer, outcome, read, write, runner, admin',
  );
  expect(service.asked()).toEqual([]);
});

test('gc says what would go, and deletes only when told to, adding the parts up', async () => {
  const parts = [
    { stage: 'index', examined: 5, deleted: [], next: 'a' },
    { stage: 'blobs', examined: 3, deleted: [{ kind: 'blob', id: digest('1'), sizeBytes: 1024 }], next: 'b' },
    {
      stage: 'uploads',
      examined: 1,
      deleted: [{ kind: 'blob', id: digest('2'), sizeBytes: 512 }],
      next: null,
    },
  ];
  let asked = 0;
  service.answer({ 'POST /v1/gc': () => parts[asked++ % 3] });
  expect((await service.run(['gc'])).out).toBe(
    'Nothing refers to 2 blobs, 1.5 KiB. Next: trunkline gc --delete',
  );
  expect(JSON.parse(String(service.last('POST')?.body))).toEqual({
    dryRun: true,
    graceHours: 24,
    cursor: 'b',
  });
  expect((await service.run(['gc', '--delete', '--grace-hours', '0.5'])).out).toBe(
    'Deleted 2 blobs, 1.5 KiB.',
  );
  expect(JSON.parse(String(service.last('POST')?.body))).toEqual({
    dryRun: false,
    graceHours: 0.5,
    cursor: 'b',
  });
  expect(JSON.parse((await service.run(['gc', '--json'])).out)).toMatchObject({
    examined: 9,
    sizeBytes: 1536,
  });
  expect((await service.run(['gc', '--grace-hours', '-1'])).status).toBe(2);
});
