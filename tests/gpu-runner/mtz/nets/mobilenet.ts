import { float, type Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { NetBuilder, type Made } from './builder.ts';

export interface MobilenetOptions {
  readonly seed: number;
  readonly input?: readonly number[];
  /** Of each inverted residual. */
  readonly channels?: readonly number[];
  readonly strides?: readonly number[];
  readonly expansion?: number;
  /** Squeeze-excite gates, of 1x1 convolutions as in MobileNetV3 or of dense layers as in SENet. */
  readonly gate?: 'conv' | 'dense' | null;
  readonly activation?: 'relu6' | 'hardswish';
  readonly norm?: boolean;
  readonly classes?: number;
}

/** Inverted residuals with depthwise convolutions (Sandler et al. 2018), optionally gated (Howard et al. 2019). */
export function mobilenet(options: MobilenetOptions): Graph {
  const { seed, input = [3, 8, 8], channels = [4, 4, 6], strides = [1, 1, 2], expansion = 2 } = options;
  const { gate = null, activation = 'relu6', norm = true, classes = 3 } = options;
  const net = new NetBuilder('mobilenet', seed);
  const bn = (name: string, x: Made): Made => (norm ? net.norm(name, x) : x);
  const act = (x: Made): Made => (activation === 'relu6' ? net.clip(x) : net.act('HardSwish', x));
  const bias = !norm;
  let x = act(bn('stem.1', net.conv('stem.0', net.input(input), channels[0] ?? 4, { stride: 2, bias })));
  for (const [index, width] of channels.entries()) {
    const name = `features.${index}`;
    const [from = 0] = x.dims;
    const wide = from * expansion;
    const stride = strides[index] ?? 1;
    let y = act(bn(`${name}.0.1`, net.conv(`${name}.0.0`, x, wide, { kernel: 1, bias })));
    y = act(bn(`${name}.1.1`, net.conv(`${name}.1.0`, y, wide, { stride, group: wide, bias })));
    if (gate) y = net.both('Mul', y, excitation(net, `${name}.se`, y, gate));
    y = bn(`${name}.3`, net.conv(`${name}.2`, y, width, { kernel: 1, bias }));
    x = stride === 1 && from === width ? net.both('Add', x, y) : y;
  }
  x = act(bn('last.1', net.conv('last.0', x, 8, { kernel: 1, bias })));
  return net.end(net.dense('classifier', net.flatten(net.globalPool(x)), classes));
}

/** One number from 0 to 1 a channel, [channels, 1, 1] (Hu et al. 2018). */
function excitation(net: NetBuilder, name: string, x: Made, kind: 'conv' | 'dense'): Made {
  const [channels = 0] = x.dims;
  const squeezed = net.globalPool(x);
  const sigmoid = (y: Made): Made => net.act('HardSigmoid', y, { alpha: float(1 / 6) });
  if (kind === 'conv') {
    const narrow = net.relu(net.conv(`${name}.fc1`, squeezed, 2, { kernel: 1 }));
    return sigmoid(net.conv(`${name}.fc2`, narrow, channels, { kernel: 1 }));
  }
  const narrow = net.relu(net.dense(`${name}.fc1`, net.flatten(squeezed), 2));
  const gates = sigmoid(net.dense(`${name}.fc2`, narrow, channels));
  const shape = net.integers(`${name}.shape`, [-1, channels, 1, 1]);
  return net.node('Reshape', [gates, shape], [channels, 1, 1]);
}

/** As TensorFlow exports MobileNets: pads asked for by name, pooling by a mean over axes, ReLU6 as Relu and Min. */
export function mobilenetV1(options: { seed: number; channels?: number; classes?: number }): Graph {
  const { seed, channels = 4, classes = 3 } = options;
  const net = new NetBuilder('mobilenet_v1', seed);
  let x = net.conv('Conv1', net.input([3, 9, 9]), channels, { stride: 2, bias: false, pad: 1 });
  x = net.clip(net.norm('bn_Conv1', net.autoPad(x, 'SAME_UPPER', [channels, 5, 5])));
  x = net.conv('dw', x, channels, { group: channels, stride: 2, bias: false });
  x = net.norm('bn_dw', net.autoPad(x, 'SAME_LOWER', [channels, 3, 3]));
  x = net.both('Min', net.relu(x), { name: net.constant('six', [6], []), dims: [1, 1, 1] });
  x = net.relu(net.norm('bn_pw', net.conv('pw', x, channels + 2, { kernel: 1, bias: false })));
  const axes = net.integers('axes', [2, 3]);
  x = net.node('ReduceMean', [x, axes], [channels + 2], { keepdims: { type: 'int', value: 0 } });
  const weight = net.weight('dense/MatMul', [channels + 2, classes]);
  x = net.node('MatMul', [x, weight], [classes]);
  return net.end(net.node('Add', [x, net.weight('dense/bias', [classes])], [classes]));
}
