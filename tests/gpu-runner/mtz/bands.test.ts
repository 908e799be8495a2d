import { beforeEach, describe, expect, test, vi } from 'vitest';
import { measureChannelGrams } from '../../../gpu-runner/mtz/channelGrams.ts';
import { bandsOf } from '../../../gpu-runner/mtz/bands.ts';
import { measureGram } from '../../../gpu-runner/mtz/gram.ts';
import { measureFactored } from '../../../gpu-runner/mtz/measureFactored.ts';
import { Missing } from '../../../gpu-runner/mtz/missing.ts';
import { weightedSteps, type Network, type WeightedStep } from '../../../gpu-runner/mtz/network.ts';
import { kernelArea, valueAt } from '../../../gpu-runner/mtz/topology.ts';
import { unfold } from '../../../gpu-runner/mtz/unfold.ts';
import { ints, type Graph } from '../../../gpu-runner/onnx/graph.ts';
import { relativeDifference } from './factored.ts';
import { convInput, convNet, NetBuilder } from './nets.ts';
import { mobilenet } from './nets/mobilenet.ts';
import { resnet } from './nets/resnet.ts';
import { joined, randomSamples } from './networks.ts';

vi.mock('../../../gpu-runner/mtz/unfold.ts', async (original) => {
  const module = await original<{ unfold: typeof unfold }>();
  return { unfold: vi.fn(module.unfold) };
});

const size = 5;
const samples = Uint32Array.from({ length: size }, (_, index) => index);

/** A convolution whose windows are strided, dilated and padded otherwise at each end. */
function oddNet(seed: number): Graph {
  const window = { strides: ints([2, 1]), dilations: ints([1, 2]), pads: ints([2, 0, 1, 3]) };
  const builder = new NetBuilder(seed, convInput).conv('conv1', 2, 3, 3, window).op('Relu');
  return builder.op('GlobalAveragePool').op('Flatten').dense('fc', 3, 2).end();
}

/** Networks, and others of the same topology in whose place they came. */
const nets: [string, Network, Network][] = [
  ['convolutions', joined([convNet(1)], 'crossed'), joined([convNet(2)], 'crossed')],
  ['odd windows', joined([oddNet(1)], 'crossed'), joined([oddNet(2)], 'crossed')],
  [
    'residual additions, normalisation per task',
    joined([resnet({ seed: 1 })], 'crossed', 'per-task'),
    joined([resnet({ seed: 2 })], 'crossed', 'per-task'),
  ],
  [
    'depthwise convolutions',
    joined([mobilenet({ seed: 1 })], 'crossed'),
    joined([mobilenet({ seed: 2 })], 'crossed'),
  ],
];

/** Output rows of every matrix of patches that was unfolded since the last look. */
function rowsUnfolded(): number[] {
  const rows = vi.mocked(unfold).mock.calls.map(([, , , [height = 1]]) => height);
  vi.mocked(unfold).mockClear();
  return rows;
}

beforeEach(() => {
  vi.mocked(unfold).mockClear();
});

describe.each(nets)('%s unfolded in bands', (_, network, untouched) => {
  const data = randomSamples(network.topology.input.dims, size, 3);
  const maps = weightedSteps(network).filter(
    ({ output }) => valueAt(network.topology, output).size.length > 0,
  );
  const options = { samples, provider: 'cpu' } as const;

  /** The same numbers, never more than two rows of a map unfolded at once. */
  async function comesToTheSame(
    step: WeightedStep,
    inputs: number,
    measure: (unfoldedBytes?: number) => Promise<Float64Array>,
  ): Promise<void> {
    const { size: output } = valueAt(network.topology, step.output);
    const whole = await measure();
    expect(rowsUnfolded()).toEqual([output[0]]);
    const twoRows = 2 * 8 * inputs * (output[1] ?? 1);
    const banded = await measure(twoRows);
    const rows = rowsUnfolded();
    const height = output[0] ?? 1;
    // One graph of two rows, and one of the row that is left over where their number is odd.
    expect(rows).toEqual(height <= 2 ? [height] : height % 2 === 0 ? [2] : [2, 1]);
    expect(relativeDifference(banded, whole)).toBeLessThan(1e-9);
  }

  /** Of one output position, or of a channelwise step all channels' windows. */
  const inputsOfStep = (step: WeightedStep): number =>
    valueAt(network.topology, step.input).segments.reduce(
      (sum, { group }) => sum + kernelArea(step) * (network.groups[group]?.[0]?.sources.length ?? 0),
      0,
    );

  test('what is lacking goes with the same inputs', async () => {
    for (const step of maps)
      await comesToTheSame(step, inputsOfStep(step), async (unfoldedBytes) => {
        const missing = new Missing(network, untouched, step, 0, data, { ...options, unfoldedBytes });
        return (await (step.kind === 'channelwise' ? missing.channelMoments() : missing.moment())).data;
      });
  });

  test('the Gram matrices are the same, as entries and as samples', async () => {
    for (const step of maps) {
      const inputs = inputsOfStep(step);
      await comesToTheSame(step, inputs, async (unfoldedBytes) => {
        const all = { ...options, unfoldedBytes };
        if (step.kind === 'channelwise') return (await measureChannelGrams(network, step, 0, data, all)).data;
        return (await measureGram(network, step, 0, data, all)).data;
      });
      if (step.kind === 'layer')
        await comesToTheSame(step, inputs, async (unfoldedBytes) => {
          const all = { ...options, unfoldedBytes, damping: 1e-4, weight: 1 };
          const { factors } = await measureFactored(network, step, 0, data, all);
          return factors[0]?.data ?? new Float64Array();
        });
    }
  });
});

describe('bandsOf', () => {
  const three = { kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] };

  test('a sample whose patches fit is whole: every layer of VGG-16 on images of 224x224', () => {
    expect(bandsOf(9 * 64, three, [224, 224], {})).toBeNull();
    expect(bandsOf(25_088, null, [], { unfoldedBytes: 1 })).toBeNull();
  });

  test('of a larger image as many rows are taken as fit, one at least', () => {
    const bands = bandsOf(9 * 64, three, [448, 448], {});
    expect(bands?.rowsAtOnce).toBe(Math.floor(2 ** 28 / (8 * 9 * 64 * 448)));
    expect(bandsOf(9 * 64, three, [448, 448], { unfoldedBytes: 1 })?.rowsAtOnce).toBe(1);
  });
});
