import { floatOf, intOf } from '../../onnx/attributes.ts';
import { float, int, type Node } from '../../onnx/graph.ts';
import { elementCount } from '../../../shared/tensor.ts';
import type { Emitter } from '../emitter.ts';
import { gradOf, inputOf, outputOf, type GradientRule } from './rule.ts';

/** Nodes whose mean and variance are those of their own input: `batchNormalizationTraining` emitted them. */
const byOwnStatistics = new WeakSet<Node>();

/**
 * The inference operator, y = (x - mean) / sqrt(variance + epsilon) * scale + bias, by all five inputs. Statistics
 * computed in the graph get their gradient like any other value, which makes it the training operator too. Where they
 * are the batch's own, that gradient is known in closed form and saves five passes over x:
 * dx = gain (dy - mean of dy - normalised x * mean of dy * normalised x).
 */
export const batchNormalization: GradientRule = (context) => {
  const { emit, node, wants } = context;
  if (intOf(node, 'training_mode', 0) !== 0) {
    throw new Error(
      `Cannot differentiate BatchNormalization "${node.name}": training_mode is set; emit it with batchNormalizationTraining`,
    );
  }
  const dy = gradOf(context);
  const [x, scale, mean, variance] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 3), inputOf(node, 4)];
  const places = reducedAxes(emit, x);
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const inverse = emit.op('Reciprocal', [
    emit.op('Sqrt', [emit.add(variance, emit.scalar(epsilon, variance))]),
  ]);
  const gain = emit.mul(scale, inverse);
  const sum = emit.sum(dy, places, false);
  // Not sum(dy x) - mean sum(dy): that loses the digits of a mean far from 0.
  const moment = emit.sum(emit.mul(dy, centred(emit, x, mean)), places, false);
  const slope = emit.mul(moment, inverse);

  const own = byOwnStatistics.has(node);
  const byInput = (): string => {
    const direct = emit.mul(dy, alongChannels(emit, gain, x));
    if (!own) return direct;
    const count = elementCount(places.map((axis) => emit.dims(x)[axis] ?? 1));
    // The operator itself subtracts both means in one pass, as a scale and a bias by channel.
    const share = (total: string): string => emit.scale(emit.mul(gain, total), -1 / count);
    return emit.add(
      direct,
      emit.op('BatchNormalization', [x, share(slope), share(sum), mean, variance], {
        epsilon: float(epsilon),
      }),
    );
  };
  return [
    wants[0] === true ? byInput() : null,
    wants[1] === true ? slope : null,
    wants[2] === true ? sum : null,
    wants[3] === true && !own ? emit.op('Neg', [emit.mul(gain, sum)]) : null,
    wants[4] === true && !own ? emit.scale(emit.mul(emit.mul(gain, inverse), slope), -0.5) : null,
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
  const normalised = emit.node('BatchNormalization', [x, scale, bias, mean, variance], {
    attributes: { epsilon },
  });
  byOwnStatistics.add(normalised);
  return {
    output: outputOf(normalised),
    runningMean: blend(runningMean, mean),
    runningVariance: blend(runningVariance, variance),
  };
}

/** Every axis but the channels'. */
const reducedAxes = (emit: Emitter, x: string): number[] =>
  [...emit.dims(x).keys()].filter((axis) => axis !== 1);

/** [channels] as [channels, 1, ...], which broadcasts over x [batch, channels, ...]. */
const alongChannels = (emit: Emitter, value: string, x: string): string =>
  emit.reshape(value, [...emit.dims(value), ...Array<number>(emit.dims(x).length - 2).fill(1)]);

const centred = (emit: Emitter, x: string, mean: string): string => emit.sub(x, alongChannels(emit, mean, x));
