import { layOutParameters } from '../../gpu-runner/engine/parameters.ts';
import { countMacs } from '../../gpu-runner/mtz/count.ts';
import { Graph } from '../../gpu-runner/onnx/graph.ts';
import type { Tensor } from '../../shared/tensor.ts';
import { compare } from './compare.ts';
import type { Context } from './context.ts';
import { buildNet } from './nets.ts';
import {
  changed,
  jobOf,
  optionsOf,
  trainResumably,
  trainSources,
  type SourceSpec,
  type TrainingSpec,
} from './sources.ts';
import type { Outcome } from './zips.ts';

/** Whether a task keeps an initializer for itself: those of the last layer, and running statistics of its own data. */
function ownNames(graph: Graph): Set<string> {
  const last = graph.nodes.find(({ outputs }) => outputs.includes(graph.outputs[0]?.name ?? ''));
  const statistics = graph.nodes
    .filter(({ op }) => op === 'BatchNormalization')
    .flatMap(({ inputs }) => inputs.slice(3));
  return new Set([...(last?.inputs ?? []), ...statistics]);
}

/**
 * Networks of one architecture as one graph: all layers but the last have the weights of the first network and are used by
 * all, every task has an input, running statistics and a last layer of its own.
 *
 * @returns a graph from "image@<task>" to "<task>"
 */
export function multiTaskGraph(nets: readonly { readonly task: string; readonly graph: Graph }[]): Graph {
  const joint = new Graph(nets.map(({ task }) => task).join('+'));
  for (const { task, graph } of nets) {
    const own = ownNames(graph);
    const nameOf = (value: string): string =>
      graph.initializers.has(value) && !own.has(value)
        ? value
        : value === graph.outputs[0]?.name
          ? task
          : `${value}@${task}`;
    for (const [name, tensor] of graph.initializers)
      if (!joint.initializers.has(nameOf(name))) joint.initializers.set(nameOf(name), tensor);
    for (const node of graph.nodes)
      joint.nodes.push({
        ...node,
        name: `${node.name}@${task}`,
        inputs: node.inputs.map(nameOf),
        outputs: node.outputs.map(nameOf),
      });
    joint.inputs.push(...graph.inputs.map((input) => ({ ...input, name: nameOf(input.name) })));
    joint.outputs.push(...graph.outputs.map((output) => ({ ...output, name: nameOf(output.name) })));
  }
  return joint;
}

/** The path of one task through a {@link multiTaskGraph}. */
function pathOf(joint: Graph, task: string): Graph {
  const inputs = joint.inputs.filter(({ name }) => name.endsWith(`@${task}`));
  return joint.extract(
    inputs,
    joint.outputs.filter(({ name }) => name === task),
  );
}

/** What a network costs whose layers but the last all tasks share. */
function sizeOf(joint: Graph, tasks: readonly string[]): Pick<Outcome, 'size' | 'separateSize'> {
  const [first = ''] = tasks;
  const alone = tasks.map((task) => pathOf(joint, task));
  const weights = (graph: Graph): number =>
    layOutParameters(graph).reduce((sum, { length }) => sum + length, 0);
  const lastOf = (graph: Graph): number => {
    const last = graph.nodes.find(({ outputs }) => outputs.includes(graph.outputs[0]?.name ?? ''));
    return graph.initializers.get(last?.inputs[1] ?? '')?.data.length ?? 0;
  };
  const trunk = countMacs(pathOf(joint, first)) - lastOf(pathOf(joint, first));
  return {
    size: {
      parameters: weights(joint),
      macs: trunk + alone.reduce((sum, graph) => sum + lastOf(graph), 0),
    },
    separateSize: {
      parameters: alone.reduce((sum, graph) => sum + weights(graph), 0),
      macs: alone.reduce((sum, graph) => sum + countMacs(graph), 0),
    },
  };
}

/**
 * All layers but the last shared, trained on all tasks at once from scratch.
 *
 * @param training default: as the sources were, each alone
 */
export async function trainJointly(
  context: Context,
  label: string,
  sources: readonly SourceSpec[],
  steps: number,
  training?: TrainingSpec,
): Promise<Outcome> {
  const [first] = sources;
  if (!first) throw new Error('Cannot train jointly: there are no tasks');
  const trained = await trainSources(context, sources);
  const job = {
    ...{ kind: 'joint', version: 1, label: `${label}-${steps}` },
    settings: {
      ...{ sources: sources.map((source) => ({ task: source.task, ...jobOf(source) })), steps },
      ...(training && { training }),
    },
  };
  const done = await context.jobs.run<Outcome>(job, async (files) => {
    const nets = [];
    const objectives = [];
    for (const { task, data, net, training: alone, seed } of sources) {
      const { train, labels } = await context.tasks.data(data);
      nets.push({ task, graph: buildNet(net, labels.length, seed) });
      objectives.push({
        ...{ input: `image@${task}`, output: task, loss: 'softmax-cross-entropy' as const },
        data: changed(train, alone.augmentation, seed),
      });
    }
    const graph = await trainResumably(context, files, job.label, {
      ...{ graph: multiTaskGraph(nets), objectives },
      ...optionsOf({ ...(training ?? first.training), steps }, first.seed),
    });
    await files.saveGraph(graph);
    return {
      ...(await compare(context, trained, (task) => pathOf(graph, task))),
      steps,
      ...sizeOf(
        graph,
        sources.map(({ task }) => task),
      ),
    };
  });
  return { ...done.result, made: done.made };
}

/** All layers but the last averaged as they lie, not paired, nothing retrained. */
export async function averageWeights(
  context: Context,
  label: string,
  sources: readonly SourceSpec[],
): Promise<Outcome> {
  const trained = await trainSources(context, sources);
  const job = {
    ...{ kind: 'average', version: 1, label },
    settings: { sources: sources.map((source) => ({ task: source.task, ...jobOf(source) })) },
  };
  const done = await context.jobs.run<Outcome>(job, async (files) => {
    const graph = multiTaskGraph(trained);
    for (const [name, mean] of meansOf(trained.map((source) => source.graph)))
      for (const target of [name, ...sources.map(({ task }) => `${name}@${task}`)])
        if (graph.initializers.has(target)) graph.initializers.set(target, mean);
    await files.saveGraph(graph);
    return {
      ...(await compare(context, trained, (task) => pathOf(graph, task))),
      steps: 0,
      ...sizeOf(
        graph,
        sources.map(({ task }) => task),
      ),
    };
  });
  return { ...done.result, made: done.made };
}

/** The mean over networks of every initializer but those of the last layer. */
function meansOf(graphs: readonly Graph[]): Map<string, Tensor> {
  const [first] = graphs;
  const last = first?.nodes.find(({ outputs }) => outputs.includes(first.outputs[0]?.name ?? ''));
  const means = new Map<string, Tensor>();
  for (const [name, { dtype, dims }] of first?.initializers ?? []) {
    if (dtype !== 'float32' || last?.inputs.includes(name)) continue;
    const tensors = graphs.map((graph) => graph.initializers.get(name));
    if (tensors.some((tensor) => tensor?.dims.join() !== dims.join()))
      throw new Error(`Cannot average "${name}": the networks have it in other sizes`);
    const data = new Float32Array(tensors[0]?.data.length ?? 0).map(
      (_, index) =>
        tensors.reduce((sum, tensor) => sum + Number(tensor?.data[index] ?? 0), 0) / graphs.length,
    );
    means.set(name, { dtype, dims, data });
  }
  return means;
}
