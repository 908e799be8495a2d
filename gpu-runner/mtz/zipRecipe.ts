import type { Recipe } from '../../shared/recipe.ts';

/**
 * What of a recipe decides what zipping comes to: all but how the bundle is stored afterwards. A budget of the heap counts
 * the weights as they are stored, so with one the storage decides too.
 */
export function zipRecipe(recipe: Recipe): Partial<Recipe> {
  const left: Partial<Recipe> = { ...recipe };
  delete left.maxStorageDrop;
  if (recipe.budget?.of !== 'heap') delete left.storage;
  return left;
}
