import type { SharingRecord } from '../../shared/manifest.ts';
import { layerAt, widthOf, type Network } from './network.ts';
import { members } from './taskSet.ts';

/**
 * What the networks share in one layer: which source channels became which merged channel, the predicted cost, and the
 * incoming weights (biases not counted) stored by the separate networks and by this one.
 */
export function sharingRecord(network: Network, index: number, cost: number): SharingRecord {
  const layer = layerAt(network, index);
  const { area, name } = layer.shape;
  const widths = network.tasks.map((_, task) => widthOf(layer, task));
  const inputs = network.tasks.map((_, task) =>
    index === 0 ? (network.input.dims[0] ?? 1) : widthOf(layerAt(network, index - 1), task),
  );
  const weights = layer.blocks.flatMap(({ edges }) => [...edges.values()]);
  return {
    layer: name,
    widths: Object.fromEntries(network.tasks.map((task, position) => [task, widths[position] ?? 0])),
    channels: layer.blocks
      .filter(({ tasks }) => members(tasks).length > 1)
      .flatMap(({ sources }) => sources.map((source) => ({ ...source }))),
    cost,
    weights: {
      before: widths.reduce((sum, width, task) => sum + width * (inputs[task] ?? 0) * area, 0),
      after: weights.reduce((sum, { rows, cols }) => sum + rows * cols, 0),
    },
  };
}
