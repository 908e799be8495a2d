import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { NetBuilder } from './builder.ts';

export interface VggOptions {
  readonly seed: number;
  readonly input?: readonly number[];
  /** Of each stage, the widths of its convolutions; a max pool ends the stage. */
  readonly stages?: readonly (readonly number[])[];
  readonly hidden?: number;
  readonly classes?: number;
  readonly norm?: boolean;
}

/** Stages of 3x3 convolutions with batch normalisation (Simonyan and Zisserman 2015, configuration with BN). */
export function vgg(options: VggOptions): Graph {
  const { seed, input = [3, 8, 8], stages = [[4, 5], [6]], hidden = 8, classes = 3, norm = true } = options;
  const net = new NetBuilder('vgg', seed);
  let x = net.input(input);
  for (const [stage, widths] of stages.entries()) {
    for (const [index, width] of widths.entries()) {
      const name = `stage${stage + 1}.${index}`;
      x = net.conv(`${name}.conv`, x, width, { bias: !norm });
      x = net.relu(norm ? net.norm(`${name}.bn`, x) : x);
    }
    x = net.pool('MaxPool', x, { kernel: 2 });
  }
  x = net.flatten(x);
  x = net.act('Dropout', net.relu(net.dense('fc1', x, hidden)));
  return net.end(net.dense('fc2', x, classes));
}
