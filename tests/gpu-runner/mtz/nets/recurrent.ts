import { int, ints, type Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { NetBuilder } from './builder.ts';

export interface SequenceOptions {
  readonly seed: number;
  readonly channels?: number;
  readonly hidden?: number;
  readonly classes?: number;
}

/** Two convolutions whose rows are read as a sequence by an LSTM (as in a CRNN). */
export function recurrent(options: SequenceOptions): Graph {
  const { seed, channels = 4, hidden = 3, classes = 3 } = options;
  const net = new NetBuilder('recurrent', seed);
  let x = net.relu(net.norm('bn1', net.conv('conv1', net.input([1, 6, 6]), channels)));
  x = net.relu(net.conv('conv2', x, channels + 1, { stride: 2 }));
  const features = (channels + 1) * 3;
  x = net.node('Transpose', [x], [0, 0, channels + 1, 3], { perm: ints([3, 0, 1, 2]) }); // time first
  x = net.node('Reshape', [x, net.integers('sequence', [3, -1, features])], [features]);
  const gates = net.weight('rnn.weight', [1, 4 * hidden, features], 0.3);
  const recurrence = net.weight('rnn.recurrence', [1, 4 * hidden, hidden], 0.3);
  const lstm = net.node('LSTM', [x, gates, recurrence], [], { hidden_size: int(hidden) }, 'rnn');
  const node = net.graph.nodes.at(-1);
  if (node) node.outputs = ['', 'rnn_state'];
  x = net.node('Squeeze', [{ ...lstm, name: 'rnn_state' }, net.integers('front', [0])], [hidden]);
  return net.end(net.dense('fc', x, classes));
}

/** Two convolutions whose positions attend to each other. */
export function attentive(options: SequenceOptions): Graph {
  const { seed, channels = 4, classes = 3 } = options;
  const net = new NetBuilder('attentive', seed);
  let x = net.relu(net.conv('conv1', net.input([3, 6, 6]), channels, { stride: 2 }));
  x = net.relu(net.norm('bn2', net.conv('conv2', x, channels, { bias: false })));
  const tokens = net.node('Reshape', [x, net.integers('tokens', [0, channels, 9])], [channels, 9]);
  const turned = net.node('Transpose', [tokens], [9, channels], { perm: ints([0, 2, 1]) });
  const scores = net.node('MatMul', [turned, tokens], [9, 9]);
  const mixed = net.node('MatMul', [net.act('Softmax', scores), turned], [9, channels]);
  const pooled = net.node('ReduceMean', [mixed, net.integers('token', [1])], [channels], {
    keepdims: int(0),
  });
  return net.end(net.dense('fc', pooled, classes));
}
