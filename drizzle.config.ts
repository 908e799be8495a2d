import { defineConfig } from 'drizzle-kit';

// `drizzle-kit generate` writes the next migration; `wrangler d1 migrations apply trunkline` runs it.
export default defineConfig({
  dialect: 'sqlite',
  schema: ['./workers/store/schema.ts', './workers/store/schema/*.ts'],
  out: './migrations',
});
