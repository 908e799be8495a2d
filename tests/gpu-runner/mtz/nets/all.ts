import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { densenet } from './densenet.ts';
import { inception } from './inception.ts';
import { lenet } from './lenet.ts';
import { mobilenet, mobilenetV1 } from './mobilenet.ts';
import { attentive, recurrent } from './recurrent.ts';
import { resnet, resnext } from './resnet.ts';
import { severalFilters } from './severalFilters.ts';
import { squeezenet } from './squeezenet.ts';
import { vgg } from './vgg.ts';

/** Every architecture, tiny, by name; three classes each. */
export const everyNet: Readonly<Record<string, (seed: number) => Graph>> = {
  LeNet: (seed) => lenet({ seed }),
  VGG: (seed) => vgg({ seed }),
  'VGG without normalisation': (seed) => vgg({ seed, norm: false }),
  'ResNet of basic blocks': (seed) => resnet({ seed, blocks: 2 }),
  'ResNet of bottlenecks': (seed) => resnet({ seed, block: 'bottleneck' }),
  'pre-activation ResNet': (seed) => resnet({ seed, block: 'pre', blocks: 2 }),
  ResNeXt: (seed) => resnext({ seed }),
  MobileNetV2: (seed) => mobilenet({ seed }),
  'MobileNet with gates': (seed) => mobilenet({ seed, gate: 'conv', activation: 'hardswish' }),
  'MobileNet with dense gates': (seed) => mobilenet({ seed, gate: 'dense' }),
  'MobileNetV1 from TensorFlow': (seed) => mobilenetV1({ seed }),
  'separable convolutions of two filters a channel': (seed) => severalFilters({ seed }),
  DenseNet: (seed) => densenet({ seed }),
  SqueezeNet: (seed) => squeezenet({ seed }),
  Inception: (seed) => inception({ seed }),
  'convolutions before an LSTM': (seed) => recurrent({ seed }),
  'convolutions before attention': (seed) => attentive({ seed }),
};
