import { lenet } from '../../examples/lenet.ts';
import { uniformFanIn } from '../../gpu-runner/engine/initialise.ts';
import { Random } from '../../gpu-runner/engine/random.ts';
import { Graph, int } from '../../gpu-runner/onnx/graph.ts';
import { residualNet } from '../residualNet.ts';
import { vgg11 } from '../vgg11.ts';

/** A network as a job's settings name it. */
export type NetSpec =
  | { readonly kind: 'lenet-300-100' }
  /** LeNet-5 as Caffe has it: 20 and 50 channels, 500 neurons. */
  | { readonly kind: 'lenet-5' }
  | {
      readonly kind: 'vgg-11';
      readonly widths: readonly [number, number, number, number];
      /** Batch normalisation after every convolution. */
      readonly normalised: boolean;
    }
  | {
      readonly kind: 'residual';
      readonly widths: readonly number[];
      /** Blocks of two convolutions a stage. */
      readonly blocks: number;
      /** Of the first convolution; default 1. */
      readonly stemStride?: number;
    };

/** An untrained network from "image" to "logits" [N, classes]. */
export function buildNet(spec: NetSpec, classes: number, seed: number): Graph {
  switch (spec.kind) {
    case 'lenet-300-100':
      return lenet300(classes, seed);
    case 'lenet-5':
      return lenet(spec.kind, classes, seed, { conv1: 20, conv2: 50, dense: 500 });
    case 'vgg-11':
      return vgg11(seed, { widths: spec.widths, normalised: spec.normalised, classes });
    case 'residual': {
      const { kind, ...options } = spec;
      return residualNet(kind, seed, { ...options, classes });
    }
  }
}

/** Dense layers of 300, 100 and `classes` neurons (LeCun et al. 1998). */
function lenet300(classes: number, seed: number): Graph {
  const graph = new Graph('lenet-300-100');
  const random = new Random(seed);
  graph.inputs = [{ name: 'image', dtype: 'float32', dims: ['N', 1, 28, 28] }];
  graph.outputs = [{ name: 'logits', dtype: 'float32', dims: ['N', classes] }];
  graph.nodes.push({
    ...{ name: 'flatten', op: 'Flatten', domain: '', inputs: ['image'], outputs: ['pixels'] },
    attributes: { axis: int(1) },
  });
  const layers = [
    { name: 'dense1', from: 784, to: 300 },
    { name: 'dense2', from: 300, to: 100 },
    { name: 'classifier', from: 100, to: classes },
  ];
  let value = 'pixels';
  for (const { name, from, to } of layers) {
    graph.initializers.set(`${name}.weight`, uniformFanIn(random, [to, from], from));
    graph.initializers.set(`${name}.bias`, uniformFanIn(random, [to], from));
    const isLast = name === 'classifier';
    const sum = isLast ? 'logits' : `${name}.sum`;
    graph.nodes.push({
      ...{ name, op: 'Gemm', domain: '', inputs: [value, `${name}.weight`, `${name}.bias`], outputs: [sum] },
      attributes: { transB: int(1) },
    });
    if (isLast) break;
    value = `${name}.out`;
    graph.nodes.push({
      ...{ name: `${name}.relu`, op: 'Relu', domain: '', inputs: [sum], outputs: [value] },
      attributes: {},
    });
  }
  return graph;
}
