import { floatOf, intOf } from '../../onnx/attributes.ts';
import { float, int, type Node } from '../../onnx/graph.ts';
import type { Emitter } from '../emitter.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';

/**
 * The inference operator, y = (x - mean) / sqrt(variance + epsilon) * scale + bias, by all five inputs. Statistics
 * computed in the graph get their gradient like any other value: that is training, see `batchNormalizationTraining`.
 */
export const batchNormalization: GradientRule = (context) => {
  const { emit, node, wants } = context;
  if (intOf(node, 'training_mode', 0) !== 0)
    throw new Error(
      `Cannot differentiate BatchNormalization "${node.name}": training_mode is set; emit it with batchNormalizationTraining`,
    );
  const dy = gradOf(context);
  const [x, scale, mean, variance] = [0, 1, 3, 4].map((index) => inputOf(node, index)) as [
    string,
    string,
    string,
    string,
  ];
  const places = reducedAxes(emit, x);
  const shifted = emit.add(variance, emit.scalar(floatOf(node, 'epsilon', 1e-5), variance));
  const inverse = emit.op('Reciprocal', [emit.op('Sqrt', [shifted])]);
  const gain = emit.mul(scale, inverse);
  const sum = emit.sum(dy, places, false);
  // Not sum(dy x) - mean sum(dy): that loses the digits of a mean far from 0.
  const moment = emit.sum(emit.mul(dy, centred(emit, x, mean)), places, false);
  const slope = emit.mul(moment, inverse);
  return [
    wants[0] === true ? emit.mul(dy, alongChannels(emit, gain, x)) : null,
    wants[1] === true ? slope : null,
    wants[2] === true ? sum : null,
    wants[3] === true ? emit.op('Neg', [emit.mul(gain, sum)]) : null,
    wants[4] === true ? emit.scale(emit.mul(emit.mul(gain, inverse), slope), -0.5) : null,
  ];
};

export interface TrainedNormalization {
  readonly output: string;
  /** What the node's mean and variance inputs become after this batch, [channels]. */
  readonly runningMean: string;
  readonly runningVariance: string;
}

/**
 * Emits a BatchNormalization node in its training form: normalised by the mean and variance (over N, not N - 1, as ONNX
 * defines it) of this batch, which are computed in the graph and fed to the inference operator.
 * running' = running * momentum + batch * (1 - momentum).
 */
export function batchNormalizationTraining(emit: Emitter, node: Node): TrainedNormalization {
  const [x, scale, bias, runningMean, runningVariance] = [0, 1, 2, 3, 4].map((index) =>
    inputOf(node, index),
  ) as [string, string, string, string, string];
  const places = emit.int64s(reducedAxes(emit, x));
  const average = (value: string): string => emit.op('ReduceMean', [value, places], { keepdims: int(0) });
  const mean = average(x);
  const difference = centred(emit, x, mean);
  const variance = average(emit.mul(difference, difference));
  const epsilon = float(floatOf(node, 'epsilon', 1e-5));
  const momentum = floatOf(node, 'momentum', 0.9);
  const blend = (running: string, batch: string): string =>
    emit.add(emit.scale(running, momentum), emit.scale(batch, 1 - momentum));
  return {
    output: emit.op('BatchNormalization', [x, scale, bias, mean, variance], { epsilon }),
    runningMean: blend(runningMean, mean),
    runningVariance: blend(runningVariance, variance),
  };
}

/** Every axis but the channels'. */
const reducedAxes = (emit: Emitter, x: string): number[] =>
  [...emit.dims(x).keys()].filter((axis) => axis !== 1);

/** [channels] as [channels, 1, ...], which broadcasts over x [batch, channels, ...]. */
const alongChannels = (emit: Emitter, value: string, x: string): string =>
  emit.reshape(value, [
    ...emit.dims(value),
    ...emit
      .dims(x)
      .slice(2)
      .map(() => 1),
  ]);

const centred = (emit: Emitter, x: string, mean: string): string => emit.sub(x, alongChannels(emit, mean, x));
