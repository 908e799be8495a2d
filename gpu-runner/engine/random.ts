/**
 * A seeded generator: the same seed gives the same numbers on every machine. xoshiro128** (Blackman and Vigna 2018),
 * its state filled by SplitMix32 so that neighbouring seeds are unrelated.
 */
export class Random {
  private readonly state = new Uint32Array(4);
  private spare: number | undefined;

  /** @param stream further whole numbers (an epoch, a worker) that make an independent sequence of the same seed */
  constructor(seed: number, ...stream: readonly number[]) {
    let mixed = 0;
    for (const word of [seed, ...stream]) {
      if (!Number.isSafeInteger(word))
        throw new RangeError(`Cannot seed a generator with ${word}: it must be an integer`);
      mixed = splitMix(mixed ^ (word | 0));
      mixed = splitMix(mixed ^ Math.floor(word / 2 ** 32));
    }
    for (let index = 0; index < 4; index += 1) {
      mixed = (mixed + 0x9e3779b9) | 0;
      this.state[index] = splitMix(mixed);
    }
  }

  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number {
    let [a = 0, b = 0, c = 0, d = 0] = this.state;
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    this.state.set([a, b, c, d]);
    return result;
  }

  /** A number in [low, high), one of 2^32 evenly spaced ones. */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.uint32() / 2 ** 32);
  }

  /** A whole number from 0 to `below` - 1, each equally likely. */
  integer(below: number): number {
    if (!Number.isInteger(below) || below < 1 || below > 2 ** 32) {
      throw new RangeError(`Cannot draw an integer below ${below}: it must be an integer from 1 to 2^32`);
    }
    const fair = 2 ** 32 - (2 ** 32 % below);
    let drawn = this.uint32();
    while (drawn >= fair) drawn = this.uint32();
    return drawn % below;
  }

  /** A number from the normal distribution of mean 0 and variance 1 (Box-Muller). */
  normal(): number {
    const spare = this.spare;
    if (spare !== undefined) {
      this.spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Puts the numbers in a random order, in place (Fisher-Yates). */
  shuffle(values: Uint32Array): void {
    for (let last = values.length - 1; last > 0; last -= 1) {
      const other = this.integer(last + 1);
      const kept = values[last] ?? 0;
      values[last] = values[other] ?? 0;
      values[other] = kept;
    }
  }

  /** 0 to `size` - 1 in a random order. */
  permutation(size: number): Uint32Array<ArrayBuffer> {
    const order = Uint32Array.from({ length: size }, (_, index) => index);
    this.shuffle(order);
    return order;
  }
}

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** The finaliser of SplitMix32: every bit of the input moves about half of the bits of the output. */
function splitMix(word: number): number {
  let mixed = (word + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}
