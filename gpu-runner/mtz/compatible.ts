import type { Chain, ChannelOp, LayerShape, TaskChain } from './chain.ts';

/**
 * Checks that networks do the same layer by layer, whatever their widths, names and weights.
 *
 * @throws {Error} that names the first layer in which two of them differ, and how.
 */
export function checkCompatible(chains: readonly TaskChain[]): void {
  const [first, ...others] = chains;
  if (!first) return;
  for (const other of others) check(first, other);
}

function check(a: TaskChain, b: TaskChain): void {
  const both = `"${a.task}" with "${b.task}"`;
  const [dimsA, dimsB] = [a.chain.input.dims, b.chain.input.dims];
  if (dimsA.join() !== dimsB.join()) {
    throw new Error(`Cannot zip ${both}: their inputs are [${dimsA.join()}] and [${dimsB.join()}]`);
  }
  if (a.chain.layers.length !== b.chain.layers.length) {
    throw new Error(
      `Cannot zip ${both}: they have ${a.chain.layers.length} and ${b.chain.layers.length} layers`,
    );
  }
  compare(
    a,
    b,
    'the input',
    { operators: describeOps(a.chain.before) },
    { operators: describeOps(b.chain.before) },
  );
  a.chain.layers.forEach((layer, index) => {
    const other = b.chain.layers[index];
    if (other) compare(a, b, layer.name, traits(a.chain, layer, index), traits(b.chain, other, index));
  });
}

type Traits = Readonly<Record<string, string>>;

function compare(a: TaskChain, b: TaskChain, layer: string, traitsA: Traits, traitsB: Traits): void {
  for (const [trait, value] of Object.entries(traitsA)) {
    const other = traitsB[trait] ?? 'none';
    if (value === other) continue;
    throw new Error(`Cannot zip ${layer}: ${trait} of "${a.task}": ${value}, of "${b.task}": ${other}`);
  }
}

/** What must be equal, in the order in which a difference is most telling. */
function traits(chain: Chain, layer: LayerShape, index: number): Traits {
  const { convolution, area, outputSize, after } = layer;
  return {
    kind: convolution ? 'conv' : 'dense',
    ...(index === 0 && { 'input channels': String(chain.input.dims[0] ?? 1) }),
    ...(convolution && {
      kernel: convolution.kernel.join('x'),
      strides: convolution.strides.join(),
      pads: convolution.pads.join(),
      dilations: convolution.dilations.join(),
    }),
    'positions per input channel': String(area),
    'output size': outputSize.join('x'),
    'operators after it': describeOps(after),
  };
}

/** Attributes in a fixed order, so that equal operators read alike. */
function describeOps(ops: readonly ChannelOp[]): string {
  const described = ops.map(({ op, attributes, bounds }) => {
    const named = Object.entries(attributes)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, { value }]) => `${key} ${JSON.stringify(value)}`);
    const settings = [...named, ...bounds.map((bound) => String(bound))].join(', ');
    return settings === '' ? op : `${op} (${settings})`;
  });
  return described.join(', ') || 'none';
}
