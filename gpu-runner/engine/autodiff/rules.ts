import { add } from './add.ts';
import { averagePool } from './averagePool.ts';
import { batchNormalization } from './batchNormalization.ts';
import { clip } from './clip.ts';
import { concat } from './concat.ts';
import { conv } from './conv.ts';
import { div } from './div.ts';
import { dropout } from './dropout.ts';
import { gemm } from './gemm.ts';
import { globalAveragePool } from './globalAveragePool.ts';
import { identity } from './identity.ts';
import { leakyRelu } from './leakyRelu.ts';
import { logSoftmax } from './logSoftmax.ts';
import { matmul } from './matmul.ts';
import { maxPool } from './maxPool.ts';
import { mul } from './mul.ts';
import { reduceMean, reduceSum } from './reduce.ts';
import { relu } from './relu.ts';
import { reshape } from './reshape.ts';
import type { GradientRule } from './rule.ts';
import { sigmoid } from './sigmoid.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import { split } from './split.ts';
import { sub } from './sub.ts';
import { tanh } from './tanh.ts';
import { transpose } from './transpose.ts';

/** The gradient rule of every standard operator that can be trained through. */
export const gradientRules: ReadonlyMap<string, GradientRule> = new Map([
  ['Add', add],
  ['AveragePool', averagePool],
  ['BatchNormalization', batchNormalization],
  ['Clip', clip],
  ['Concat', concat],
  ['Conv', conv],
  ['Div', div],
  ['Dropout', dropout],
  ['Flatten', reshape],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalAveragePool],
  ['Identity', identity],
  ['LeakyRelu', leakyRelu],
  ['LogSoftmax', logSoftmax],
  ['MatMul', matmul],
  ['MaxPool', maxPool],
  ['Mul', mul],
  ['ReduceMean', reduceMean],
  ['ReduceSum', reduceSum],
  ['Relu', relu],
  ['Reshape', reshape],
  ['Sigmoid', sigmoid],
  ['Slice', slice],
  ['Softmax', softmax],
  ['Split', split],
  ['Squeeze', reshape],
  ['Sub', sub],
  ['Tanh', tanh],
  ['Transpose', transpose],
  ['Unsqueeze', reshape],
]);
