import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** Tests that go through the public doors, with real processes behind them. */
const flows = ['tests/flows/**/*.test.ts', 'tests/portal/**/*.test.ts'];

export default defineConfig({
  test: {
    // By default one processor is left to others: of two, which CI has, that is half.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'node',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/workers/**', ...flows],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          pool: 'forks',
        },
      },
      {
        test: {
          name: 'flows',
          include: flows,
          // Each brings up Workers, runners or a browser of its own: one after the other, when the rest is done.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 300_000,
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
