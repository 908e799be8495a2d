import { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { recipeOnly, withRecipe } from '../../../gpu-runner/cli/recipeOptions.ts';
import { recipe, retraining } from '../../../shared/recipe.ts';

const readme = new URL('../../../README.md', import.meta.url);

test("the README's recipe is one, and has every field of retraining", async () => {
  const blocks = [...(await readFile(readme, 'utf8')).matchAll(/^```json\n([^`]*)^```$/gm)];
  const recipes = blocks.map(([, text = '']) => text).filter((text) => text.includes('"retraining"'));
  expect(recipes).toHaveLength(1);
  const parsed = recipe.parse(JSON.parse(recipes[0] ?? ''));
  expect(Object.keys(parsed.retraining).sort()).toEqual(Object.keys(retraining.shape).sort());
});

test('--help names the fields of retraining that no option sets', () => {
  const command = withRecipe(new Command('zip'));
  const byOption = command.options.map((option) => option.attributeName());
  const fields = Object.keys(retraining.shape).filter((field) => !byOption.includes(field));
  expect([...recipeOnly].sort()).toEqual(fields.sort());
  const help = command.helpInformation().replace(/\s+/g, ' ');
  expect(help).toContain(`Its "retraining" also takes ${recipeOnly.join(', ')}`);
});
