import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/workers/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          pool: 'forks',
        },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: { TEST_MIGRATIONS: await readD1Migrations('./migrations') },
              // The edge Worker is not part of these tests: whatever comes there is told back.
              serviceBindings: {
                EDGE: (request: Request) => Response.json({ edge: new URL(request.url).pathname }),
              },
            },
          })),
        ],
        test: { name: 'workerd', include: ['tests/workers/**/*.test.ts'], testTimeout: 60_000 },
      },
    ],
  },
});
