import type { Recipe } from '../../shared/recipe.ts';
import { widthOf, type Network, type NetworkLayer } from './network.ts';

/**
 * How many channels each hidden layer shares among all tasks, decided before anything is computed.
 *
 * @returns one count a hidden layer, in order
 * @throws {Error} when the recipe names a layer that cannot be shared, asks for more channels than there are, or its
 * wiring does not allow the counts.
 */
export function planSharing(network: Network, recipe: Pick<Recipe, 'share'>): number[] {
  const hidden = network.layers.slice(0, -1);
  checkNames(network, hidden, recipe.share);
  const counts = hidden.map((layer) => countFor(network, layer, recipe.share));
  hidden.forEach((layer, index) => {
    const below = hidden[index - 1];
    checkWiring(
      network,
      layer,
      counts[index] ?? 0,
      below && { name: below.shape.name, count: counts[index - 1] ?? 0 },
    );
  });
  return counts;
}

function checkNames(network: Network, hidden: readonly NetworkLayer[], share: Recipe['share']): void {
  if (isUniform(share)) return;
  const names = hidden.map(({ shape }) => shape.name);
  for (const name of Object.keys(share)) {
    if (names.includes(name)) continue;
    if (name === network.layers.at(-1)?.shape.name) {
      throw new Error(`Cannot share ${name}: the last layer of every network stays its own`);
    }
    throw new Error(`Cannot share ${name}: the hidden layers are ${names.join(', ') || 'none'}`);
  }
}

function countFor(network: Network, layer: NetworkLayer, share: Recipe['share']): number {
  const { name } = layer.shape;
  const narrowest = Math.min(...widthsOf(network, layer));
  const asked = isUniform(share) ? share : Object.hasOwn(share, name) ? share[name] : undefined;
  if (asked === undefined) return 0;
  if ('share' in asked) return Math.round(asked.share * narrowest);
  if (asked.count > narrowest) {
    throw new Error(
      `Cannot share ${asked.count} channels of ${name}: the narrowest network has ${narrowest}`,
    );
  }
  return asked.count;
}

function checkWiring(
  network: Network,
  layer: NetworkLayer,
  count: number,
  below: { readonly name: string; readonly count: number } | undefined,
): void {
  const { name } = layer.shape;
  if (count === 0) return;
  switch (network.wiring) {
    case 'crossed':
      return;
    case 'one-way':
      if (below?.count === 0) {
        throw new Error(
          `Cannot share ${name} one-way: ${below.name} below it shares no channel that it could read`,
        );
      }
      return;
    case 'prefix': {
      const widths = widthsOf(network, layer);
      if (widths.some((width) => width !== count)) {
        const described = network.tasks
          .map((task, index) => `"${task}" has ${widths[index] ?? 0}`)
          .join(', ');
        throw new Error(
          `Cannot share ${count} channels of ${name}: a prefix shares whole layers, and ${described}`,
        );
      }
      if (below?.count === 0) {
        throw new Error(
          `Cannot share ${name}: a prefix is shared from the input on, and ${below.name} is not`,
        );
      }
    }
  }
}

const widthsOf = (network: Network, layer: NetworkLayer): number[] =>
  network.tasks.map((_, task) => widthOf(layer, task));

const isUniform = (share: Recipe['share']): share is { share: number } => typeof share.share === 'number';
