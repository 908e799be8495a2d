import { abs } from './abs.ts';
import { add } from './add.ts';
import { averagePool } from './averagePool.ts';
import { batchNormalization } from './batchNormalization.ts';
import { clip } from './clip.ts';
import { concat } from './concat.ts';
import { conv } from './conv.ts';
import { div } from './div.ts';
import { dropout } from './dropout.ts';
import { elu } from './elu.ts';
import { erf } from './erf.ts';
import { exp } from './exp.ts';
import { extremum } from './extremum.ts';
import { gather } from './gather.ts';
import { gelu } from './gelu.ts';
import { gemm } from './gemm.ts';
import { globalAveragePool } from './globalAveragePool.ts';
import { hardSigmoid } from './hardSigmoid.ts';
import { hardSwish } from './hardSwish.ts';
import { identity } from './identity.ts';
import { leakyRelu } from './leakyRelu.ts';
import { log } from './log.ts';
import { logSoftmax } from './logSoftmax.ts';
import { matmul } from './matmul.ts';
import { maxPool } from './maxPool.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';
import { pad } from './pad.ts';
import { pow } from './pow.ts';
import { reciprocal } from './reciprocal.ts';
import { reduceMean, reduceSum } from './reduce.ts';
import { relu } from './relu.ts';
import { reshape } from './reshape.ts';
import type { GradientRule } from './rule.ts';
import { selu } from './selu.ts';
import { sigmoid } from './sigmoid.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import { softplus } from './softplus.ts';
import { split } from './split.ts';
import { sqrt } from './sqrt.ts';
import { sub } from './sub.ts';
import { sum } from './sum.ts';
import { tanh } from './tanh.ts';
import { thresholdedRelu } from './thresholdedRelu.ts';
import { transpose } from './transpose.ts';

/** The gradient rule of every standard operator that can be trained through. */
export const gradientRules: ReadonlyMap<string, GradientRule> = new Map([
  ['Abs', abs],
  ['Add', add],
  ['AveragePool', averagePool],
  ['BatchNormalization', batchNormalization],
  ['Clip', clip],
  ['Concat', concat],
  ['Conv', conv],
  ['Div', div],
  ['Dropout', dropout],
  ['Elu', elu],
  ['Erf', erf],
  ['Exp', exp],
  ['Flatten', reshape],
  ['Gather', gather],
  ['Gelu', gelu],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalAveragePool],
  ['HardSigmoid', hardSigmoid],
  ['HardSwish', hardSwish],
  ['Identity', identity],
  ['LeakyRelu', leakyRelu],
  ['Log', log],
  ['LogSoftmax', logSoftmax],
  ['MatMul', matmul],
  ['Max', extremum],
  ['MaxPool', maxPool],
  ['Min', extremum],
  ['Mul', mul],
  ['Neg', neg],
  ['Pad', pad],
  ['Pow', pow],
  ['Reciprocal', reciprocal],
  ['ReduceMean', reduceMean],
  ['ReduceSum', reduceSum],
  ['Relu', relu],
  ['Reshape', reshape],
  ['Selu', selu],
  ['Sigmoid', sigmoid],
  ['Slice', slice],
  ['Softmax', softmax],
  ['Softplus', softplus],
  ['Split', split],
  ['Sqrt', sqrt],
  ['Squeeze', reshape],
  ['Sub', sub],
  ['Sum', sum],
  ['Tanh', tanh],
  ['ThresholdedRelu', thresholdedRelu],
  ['Transpose', transpose],
  ['Unsqueeze', reshape],
]);
