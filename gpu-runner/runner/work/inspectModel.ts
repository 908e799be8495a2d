import type { ModelInspection } from '../../../shared/inspection.ts';
import type { TensorSpec } from '../../../shared/manifest.ts';
import { countMacs, countParameters } from '../../mtz/count.ts';
import { readNet } from '../../mtz/readNet.ts';
import { inputGroup } from '../../mtz/topology.ts';
import type { Graph, ValueInfo } from '../../onnx/graph.ts';
import { subgraphs } from '../../onnx/node.ts';
import { supportedOperators } from '../../onnx/shapes.ts';
import { layersOf } from './layersOf.ts';

/** Problems listed at most; the contract allows a thousand. */
const maxProblems = 100;
const maxGroups = 10_000;

/**
 * What a person wants to know of a network before merging it: what it computes, how much, and what stands in the way.
 *
 * @param labels names of its classes as they were registered, or none
 */
export function inspectModel(graph: Graph, labels: readonly string[]): ModelInspection {
  const { groups, groupOf, problems: unzipped } = readGroups(graph);
  const layers = layersOf(graph, groupOf);
  const macs = attempt(() => countMacs(graph));
  const problems = [
    ...(macs.problem === undefined ? [] : [macs.problem]),
    ...unzipped,
    ...unsupported(graph),
    ...weightProblems(graph),
    ...labelProblems(graph, labels),
  ];
  return {
    format: 'trunkline.inspection/1',
    kind: 'model',
    inputs: graph.inputs.map(specOf),
    outputs: graph.outputs.map(specOf),
    parameters: countParameters(graph),
    macs: macs.value ?? null,
    operators: countOperators(graph),
    groups,
    ...(layers !== null && { layers }),
    problems: [...new Set(problems)].slice(0, maxProblems).map((text) => text.slice(0, 2000)),
  };
}

/** Of a model that cannot even be read. */
export const unreadableModel = (problem: string): ModelInspection => ({
  format: 'trunkline.inspection/1',
  kind: 'model',
  inputs: [],
  outputs: [],
  parameters: 0,
  macs: null,
  operators: {},
  groups: [],
  problems: [problem.slice(0, 2000)],
});

/** Channels that can be shared, and sentences about what cannot be zipped at all. */
function readGroups(graph: Graph): {
  groups: ModelInspection['groups'];
  /** By the name of the node that puts the channels out. */
  groupOf: ReadonlyMap<string, string>;
  problems: readonly string[];
} {
  const read = attempt(() => readNet(graph, graph.name || 'model', { batchNorm: 'fold' }));
  if (read.value === undefined)
    return { groups: [], groupOf: new Map(), problems: [read.problem ?? 'it cannot be zipped'] };
  const { topology, widths, notes } = read.value;
  const groupOf = new Map<string, string>();
  for (const step of topology.steps) {
    const [segment] = topology.values[step.output]?.segments ?? [];
    const group = segment && topology.groups[segment.group];
    if (step.kind === 'layer' && group) groupOf.set(step.name, group.name);
  }
  return {
    groupOf,
    groups: topology.groups
      .slice(0, maxGroups)
      .flatMap(({ name, pinned }, index) =>
        index === inputGroup
          ? []
          : [{ name, channels: widths[index] ?? 0, shareable: pinned === null, reason: pinned }],
      ),
    problems: notes,
  };
}

function attempt<T>(work: () => T): { value?: T; problem?: string } {
  try {
    return { value: work() };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Every operator, those of nested graphs included. */
function countOperators(graph: Graph, counts: Record<string, number> = {}): Record<string, number> {
  for (const node of graph.nodes) {
    const name = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
    counts[name] = (counts[name] ?? 0) + 1;
    for (const inner of subgraphs(node)) countOperators(inner, counts);
  }
  return counts;
}

const unsupported = (graph: Graph): string[] =>
  Object.keys(countOperators(graph))
    .filter((name) => !supportedOperators.has(name.replace(/^ai\.onnx\./, '')))
    .map((name) => `Operator ${name} is not supported`);

/** Numbers that no training can go on from. */
function weightProblems(graph: Graph): string[] {
  const problems: string[] = [];
  for (const [name, { dtype, data }] of graph.initializers) {
    if (dtype !== 'float32' && dtype !== 'float64') continue;
    const wrong = (data as Float32Array).findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0)
      problems.push(`Weight "${name}" is not finite: element ${wrong} is ${String(data[wrong])}`);
  }
  return problems;
}

function labelProblems({ outputs }: Graph, labels: readonly string[]): string[] {
  const width = outputs[0]?.dims.at(-1);
  if (labels.length === 0 || typeof width !== 'number' || width === labels.length) return [];
  return [
    `Its answer "${outputs[0]?.name ?? ''}" has ${width} numbers, but ${labels.length} labels are registered`,
  ];
}

const specOf = ({ name, dtype, dims }: ValueInfo): TensorSpec => ({
  name,
  dtype,
  dims: dims.map((dim) => (typeof dim === 'number' ? dim : -1)),
});
