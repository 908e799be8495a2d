/**
 * Which channels can only be shared together: union-find over stretches of channel axes. A stretch is cut in two where
 * something reads only a part of it (Split, a grouped convolution) or where it meets two others end to end (Add of a
 * Concat), and everything it is tied to is cut with it.
 */

/** A part of a value's channel axis: an axis or what it was cut into, with `area` elements a channel. */
export interface Stretch {
  readonly axis: number;
  readonly area: number;
}

interface Axis {
  readonly channels: number;
  /** The axis that this one became one with. */
  same: number | null;
  /** What it was cut into. */
  halves: readonly [number, number] | null;
}

export class ChannelAxes {
  private readonly axes: Axis[] = [];
  /** Axes that can be neither cut nor tied to others: the input's. */
  private readonly whole = new Set<number>();

  /** @param whole that it can be neither cut nor tied to another axis */
  add(channels: number, whole = false): number {
    const axis = this.axes.length;
    this.axes.push({ channels, same: null, halves: null });
    if (whole) this.whole.add(axis);
    return axis;
  }

  /** The stretches as they are cut by now, each under the one number of all axes that it is tied to. */
  pieces(stretches: readonly Stretch[]): Stretch[] {
    return stretches.flatMap(({ axis, area }) => this.leaves(axis).map((leaf) => ({ axis: leaf, area })));
  }

  channels(axis: number): number {
    return this.at(axis).channels;
  }

  /** Elements of the whole axis that the stretches make up. */
  elements(stretches: readonly Stretch[]): number {
    return stretches.reduce((sum, { axis, area }) => sum + this.channels(axis) * area, 0);
  }

  /**
   * Makes two equally long channel axes one, channel by channel.
   * @returns why it is not possible, and then nothing has changed; or null
   */
  tie(a: readonly Stretch[], b: readonly Stretch[]): string | null {
    const reason = this.obstacle(a, b);
    if (reason !== null) return reason;
    const [left, right] = [this.pieces(a), this.pieces(b)];
    while (left.length > 0 && right.length > 0) {
      const [one, other] = [this.front(left), this.front(right)];
      const [channels, others] = [this.channels(one), this.channels(other)];
      if (channels > others) this.cut(one, others);
      else if (others > channels) this.cut(other, channels);
      else {
        if (one !== other) this.at(other).same = one;
        left.shift();
        right.shift();
      }
    }
    return null;
  }

  /**
   * Makes sure that a stretch ends at `element` elements from the front.
   * @returns why it is not possible, or null
   */
  cutAt(stretches: readonly Stretch[], element: number): string | null {
    let start = 0;
    for (const { axis, area } of this.pieces(stretches)) {
      const elements = this.channels(axis) * area;
      if (element > start && element < start + elements) {
        if (this.whole.has(axis)) return 'the channels of the input cannot be told apart';
        if ((element - start) % area !== 0)
          return `element ${element} lies inside a channel of ${area} elements`;
        this.cut(axis, (element - start) / area);
        return null;
      }
      start += elements;
    }
    return null;
  }

  /** True where one of the stretches is the input's. */
  hasWhole(stretches: readonly Stretch[]): boolean {
    return this.pieces(stretches).some(({ axis }) => this.whole.has(axis));
  }

  private obstacle(a: readonly Stretch[], b: readonly Stretch[]): string | null {
    const [total, others] = [this.elements(a), this.elements(b)];
    if (total !== others) return `it joins ${total} channels with ${others}`;
    const [left, right] = [this.spans(a), this.spans(b)];
    for (const one of left) {
      for (const other of right) {
        if (one.end <= other.start || other.end <= one.start) continue;
        if (one.area !== other.area) return 'it joins flattened maps of different sizes';
        const isSame = one.axis === other.axis && one.start === other.start;
        if (!isSame && (this.whole.has(one.axis) || this.whole.has(other.axis)))
          return "it joins the input's channels with others";
      }
    }
    return null;
  }

  private spans(stretches: readonly Stretch[]): (Stretch & { start: number; end: number })[] {
    let end = 0;
    return this.pieces(stretches).map((piece) => {
      const start = end;
      end += this.channels(piece.axis) * piece.area;
      return { ...piece, start, end };
    });
  }

  /** The first piece, cut anew where it has been cut since the list was made. */
  private front(pieces: Stretch[]): number {
    const first = pieces.shift();
    if (first) pieces.unshift(...this.pieces([first]));
    return pieces[0]?.axis ?? 0;
  }

  private leaves(axis: number): number[] {
    let at = axis;
    for (let { same } = this.at(at); same !== null; { same } = this.at(at)) at = same;
    return this.at(at).halves?.flatMap((half) => this.leaves(half)) ?? [at];
  }

  private cut(leaf: number, channels: number): void {
    const axis = this.at(leaf);
    axis.halves = [this.add(channels), this.add(axis.channels - channels)];
  }

  private at(axis: number): Axis {
    const found = this.axes[axis];
    if (!found) throw new RangeError(`Cannot find channel axis ${axis} of ${this.axes.length}`);
    return found;
  }
}
