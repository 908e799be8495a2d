import type { Calibration } from './calibrate.ts';
import { quantisedFlow, type Flow } from './flow.ts';
import type { RangeMethod } from './histogram.ts';
import type { Layer } from './layers.ts';
import { mapParts, trunkName, type Parts } from './parts.ts';
import { activationScale, type ActivationType, type Scale } from './scales.ts';
import { writeQuantised } from './writeQuantised.ts';

/** A layer and the part it lies in. */
export interface PlacedLayer {
  readonly part: string;
  readonly layer: Layer;
}

/**
 * The activations that become integers, by part. What the trunk hands on as integers stays on its scale in the heads, so
 * that both round it alike.
 */
export function flowsOf(parts: Parts, placed: readonly PlacedLayer[]): Map<string, Flow> {
  const layersIn = (part: string): Layer[] =>
    placed.filter((one) => one.part === part).map(({ layer }) => layer);
  const headFlows = (given: ReadonlySet<string>): [string, Flow][] =>
    parts.heads.map(({ task, graph }) => [task, quantisedFlow(graph, layersIn(task), given)]);
  if (!parts.trunk) return new Map(headFlows(new Set()));
  const taps = parts.trunk.outputs.map(({ name }) => name);
  const wanted = headFlows(new Set(taps)).flatMap(([, { quantised }]) =>
    taps.filter((tap) => quantised.has(tap)),
  );
  const trunk = quantisedFlow(parts.trunk, layersIn(trunkName), new Set(), new Set(wanted));
  const given = new Set(taps.filter((tap) => trunk.born.has(tap)));
  return new Map([[trunkName, trunk], ...headFlows(given)]);
}

/** Trunk and heads with the placed layers computed on integers, in QDQ form. */
export function quantiseParts(
  parts: Parts,
  placed: readonly PlacedLayer[],
  calibration: Calibration,
  { method, activations }: { readonly method: RangeMethod; readonly activations: ActivationType },
): Parts {
  const flows = flowsOf(parts, placed);
  const scaleOf = (part: string, value: string): Scale => {
    const histogram = calibration.get(part)?.get(value);
    if (!histogram) throw new Error(`Cannot quantise ${part}: "${value}" was not calibrated`);
    return activationScale(histogram.range(method), activations);
  };
  const trunkFlow = flows.get(trunkName);
  return mapParts(parts, (graph, part) => {
    const flow = flows.get(part);
    if (!flow) throw new Error(`Cannot quantise ${part}: it is not a part`);
    const scales = new Map<string, Scale>();
    for (const root of new Set(flow.quantised.values())) {
      const fromTrunk =
        part !== trunkName && flow.born.has(root) && graph.inputs.some(({ name }) => name === root);
      scales.set(
        root,
        fromTrunk ? scaleOf(trunkName, trunkFlow?.quantised.get(root) ?? root) : scaleOf(part, root),
      );
    }
    const layers = placed.filter((one) => one.part === part).map(({ layer }) => layer);
    return writeQuantised(graph, { layers, flow, scales, activations });
  });
}
