import { expect, test } from 'vitest';
import { z } from 'zod';
import { explainIssues } from '../../shared/explain-issues.ts';

const schema = z.object({ heads: z.array(z.object({ task: z.string('must be text') })) });

const explain = (value: unknown): string => {
  const { error } = schema.safeParse(value);
  if (!error) throw new Error('the value fits the schema');
  return explainIssues(error);
};

test('explainIssues() says where and why', () => {
  expect(explain({ heads: [{ task: 'digit' }, { task: 7 }] })).toBe('heads[1].task: must be text');
});

test('explainIssues() says what is wrong with the whole document without a place', () => {
  expect(explain(3)).toMatch(/^Invalid input: expected object/);
});

test('explainIssues() tells five of many', () => {
  const told = explain({ heads: Array.from({ length: 8 }, () => ({ task: 1 })) });
  expect(told.match(/must be text/g)).toHaveLength(5);
  expect(told).toMatch(/; and 3 more$/);
});
