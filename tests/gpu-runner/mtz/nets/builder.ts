import { Random } from '../../../../gpu-runner/engine/random.ts';
import { float, Graph, int, ints, string, type Attribute } from '../../../../gpu-runner/onnx/graph.ts';
import { elementCount } from '../../../../shared/tensor.ts';

/** A value of a net that is being built: its name, and its dims without the batch. */
export interface Made {
  readonly name: string;
  readonly dims: readonly number[];
}

export interface ConvOptions {
  /** Default 3. */
  readonly kernel?: number;
  readonly stride?: number;
  /** On every side; by default what keeps the size at stride 1. */
  readonly pad?: number;
  readonly dilation?: number;
  readonly group?: number;
  readonly bias?: boolean;
}

export interface PoolOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly pad?: number;
  readonly attributes?: Record<string, Attribute>;
}

/** Builds a net of any shape out of layers with random weights; the same seed gives the same net. */
export class NetBuilder {
  readonly graph: Graph;
  private readonly random: Random;

  constructor(name: string, seed: number) {
    this.graph = new Graph(name);
    this.random = new Random(seed);
  }

  input(dims: readonly number[], name = 'image'): Made {
    this.graph.inputs.push({ name, dtype: 'float32', dims: ['N', ...dims] });
    return { name, dims };
  }

  /** An initializer of normal random numbers. */
  weight(name: string, dims: readonly number[], scale = 1, offset = 0): string {
    const data = Float32Array.from(
      { length: elementCount(dims) },
      () => offset + scale * this.random.normal(),
    );
    this.graph.initializers.set(name, { dtype: 'float32', dims, data });
    return name;
  }

  constant(name: string, values: readonly number[], dims: readonly number[] = [values.length]): string {
    this.graph.initializers.set(name, { dtype: 'float32', dims, data: Float32Array.from(values) });
    return name;
  }

  integers(name: string, values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    this.graph.initializers.set(name, { dtype: 'int64', dims: [values.length], data });
    return name;
  }

  /** Any node; its first output is what it makes. */
  node(
    op: string,
    inputs: readonly (Made | string)[],
    dims: readonly number[],
    attributes: Record<string, Attribute> = {},
    name = this.graph.fresh(`/${op}`),
  ): Made {
    const names = inputs.map((input) => (typeof input === 'string' ? input : input.name));
    const output = `${name}_output_0`;
    this.graph.nodes.push({ name, op, domain: '', inputs: names, outputs: [output], attributes });
    return { name: output, dims };
  }

  conv(name: string, x: Made, channels: number, options: ConvOptions = {}): Made {
    const { kernel = 3, stride = 1, dilation = 1, group = 1, bias = true } = options;
    const pad = options.pad ?? Math.floor(((kernel - 1) * dilation) / 2);
    const [from = 0, ...size] = x.dims;
    const area = kernel ** size.length;
    const inputs: (Made | string)[] = [
      x,
      this.weight(
        `${name}.weight`,
        [channels, from / group, ...size.map(() => kernel)],
        Math.sqrt(2 / ((from / group) * area)),
      ),
    ];
    if (bias) inputs.push(this.weight(`${name}.bias`, [channels], 0.1));
    const reach = (kernel - 1) * dilation + 1;
    const out = size.map((length) => Math.floor((length + 2 * pad - reach) / stride) + 1);
    const attributes: Record<string, Attribute> = {
      kernel_shape: ints(size.map(() => kernel)),
      strides: ints(size.map(() => stride)),
      pads: ints(size.flatMap(() => [pad, pad])),
      dilations: ints(size.map(() => dilation)),
      group: int(group),
    };
    return this.node('Conv', inputs, [channels, ...out], attributes, `/${name}/Conv`);
  }

  dense(name: string, x: Made, channels: number): Made {
    const [from = 0] = x.dims;
    const weight = this.weight(`${name}.weight`, [channels, from], Math.sqrt(2 / from));
    const bias = this.weight(`${name}.bias`, [channels], 0.1);
    return this.node('Gemm', [x, weight, bias], [channels], { transB: int(1) }, `/${name}/Gemm`);
  }

  /** Batch normalisation with running statistics far from 0 and 1. */
  norm(name: string, x: Made): Made {
    const [channels = 0] = x.dims;
    const inputs = [
      this.weight(`${name}.weight`, [channels], 0.2, 1),
      this.weight(`${name}.bias`, [channels], 0.2),
      this.weight(`${name}.running_mean`, [channels], 0.3),
      this.constant(
        `${name}.running_var`,
        Array.from({ length: channels }, () => 0.5 + Math.abs(this.random.normal())),
      ),
    ];
    const epsilon = float(1e-5);
    return this.node(
      'BatchNormalization',
      [x, ...inputs],
      x.dims,
      { epsilon },
      `/${name}/BatchNormalization`,
    );
  }

  /** An activation, or any operator that keeps the shape. */
  act(op: string, x: Made, attributes: Record<string, Attribute> = {}): Made {
    return this.node(op, [x], x.dims, attributes);
  }

  relu(x: Made): Made {
    return this.act('Relu', x);
  }

  /** Clip to 0 and `most`, as ReLU6 is exported. */
  clip(x: Made, most = 6): Made {
    const low = this.constant('clip.low', [0], []);
    const high = this.constant(`clip.high.${most}`, [most], []);
    return this.node('Clip', [x, low, high], x.dims);
  }

  /** Of two values; their dims are stretched over each other. */
  both(op: string, a: Made, b: Made): Made {
    const dims = a.dims.map((size, axis) => Math.max(size, b.dims[axis] ?? 1));
    return this.node(op, [a, b], dims);
  }

  pool(op: 'MaxPool' | 'AveragePool', x: Made, options: PoolOptions): Made {
    const { kernel, stride = kernel, pad = 0, attributes = {} } = options;
    const [channels = 0, ...size] = x.dims;
    const out = size.map((length) => Math.floor((length + 2 * pad - kernel) / stride) + 1);
    return this.node(op, [x], [channels, ...out], {
      kernel_shape: ints(size.map(() => kernel)),
      strides: ints(size.map(() => stride)),
      pads: ints(size.flatMap(() => [pad, pad])),
      ...attributes,
    });
  }

  globalPool(x: Made): Made {
    const [channels = 0, ...size] = x.dims;
    return this.node('GlobalAveragePool', [x], [channels, ...size.map(() => 1)]);
  }

  concat(parts: readonly Made[]): Made {
    const [first] = parts;
    const channels = parts.reduce((sum, { dims }) => sum + (dims[0] ?? 0), 0);
    return this.node('Concat', parts, [channels, ...(first?.dims.slice(1) ?? [])], { axis: int(1) });
  }

  flatten(x: Made): Made {
    return this.node('Flatten', [x], [elementCount(x.dims)], { axis: int(1) });
  }

  /** Pads as SAME_UPPER or SAME_LOWER say, in place of numbers. */
  autoPad(x: Made, side: 'SAME_UPPER' | 'SAME_LOWER', dims: readonly number[]): Made {
    const node = this.graph.nodes.find(({ outputs }) => outputs[0] === x.name);
    if (node) {
      delete node.attributes['pads'];
      node.attributes['auto_pad'] = string(side);
    }
    return { name: x.name, dims };
  }

  /** Names the answer and declares it. */
  end(x: Made, name = 'logits'): Graph {
    for (const node of this.graph.nodes) {
      node.inputs = node.inputs.map((input) => (input === x.name ? name : input));
      node.outputs = node.outputs.map((output) => (output === x.name ? name : output));
    }
    this.graph.outputs = [{ name, dtype: 'float32', dims: ['N', ...x.dims] }];
    return this.graph;
  }
}
