import { describe, expect, test } from 'vitest';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { ChannelAxes, type Stretch } from '../../../gpu-runner/mtz/groups.ts';

const of = (axis: number, area = 1): Stretch => ({ axis, area });

describe('ChannelAxes', () => {
  test('tie() makes equally long axes one', () => {
    const axes = new ChannelAxes();
    const [a, b, c] = [axes.add(4), axes.add(4), axes.add(4)];
    expect(axes.tie([of(a)], [of(b)])).toBeNull();
    expect(axes.tie([of(c)], [of(b)])).toBeNull();
    expect(axes.pieces([of(a)])).toEqual(axes.pieces([of(c)]));
    expect(axes.pieces([of(a), of(b)])).toHaveLength(2);
  });

  test('tie() cuts an axis where two others meet', () => {
    const axes = new ChannelAxes();
    const [a, b, whole, other] = [axes.add(3), axes.add(5), axes.add(8), axes.add(8)];
    axes.tie([of(whole)], [of(other)]);
    expect(axes.tie([of(a), of(b)], [of(whole)])).toBeNull();
    expect(axes.pieces([of(other)])).toEqual([...axes.pieces([of(a)]), ...axes.pieces([of(b)])]);
    expect(axes.pieces([of(other)]).map(({ axis }) => axes.channels(axis))).toEqual([3, 5]);
  });

  test('cutAt() cuts everything that is tied to the axis, whenever it was tied', () => {
    const axes = new ChannelAxes();
    const [a, b] = [axes.add(6), axes.add(6)];
    axes.tie([of(a)], [of(b)]);
    expect(axes.cutAt([of(a, 4)], 8)).toBeNull();
    expect(axes.pieces([of(b)]).map(({ axis }) => axes.channels(axis))).toEqual([2, 4]);
    expect(axes.cutAt([of(b)], 2)).toBeNull();
    expect(axes.pieces([of(b)])).toHaveLength(2);
  });

  test('tie() ties an axis to itself, shifted', () => {
    const axes = new ChannelAxes();
    const a = axes.add(8);
    axes.cutAt([of(a)], 2);
    const [two, six] = axes.pieces([of(a)]);
    if (!two || !six) throw new Error('it is not cut');
    // Channels 0 to 5 with channels 2 to 7: all even ones are tied, and all odd ones.
    axes.cutAt([six], 4);
    const [first, second] = axes.pieces([six]);
    if (!first || !second) throw new Error('it is not cut');
    expect(axes.tie([two, first], [first, second])).toBeNull();
    const pieces = axes.pieces([of(a)]);
    expect(pieces.map(({ axis }) => axes.channels(axis))).toEqual([2, 2, 2, 2]);
    expect(new Set(pieces.map(({ axis }) => axis)).size).toBe(1);
  });

  test('pieces() has the classes and borders that channel-by-channel union finds', () => {
    for (let seed = 0; seed < 30; seed += 1) {
      const random = new Random(seed);
      const axes = new ChannelAxes();
      const widths = [6, 6, 12, 4, 8];
      const ids = widths.map((width) => axes.add(width));
      const starts = widths.map((_, axis) => widths.slice(0, axis).reduce((sum, width) => sum + width, 0));
      const parent = Array.from({ length: 36 }, (_, channel) => channel);
      const find = (channel: number): number => {
        const up = parent[channel] ?? channel;
        return up === channel ? channel : find(up);
      };
      const channels = (axis: number): number[] =>
        Array.from({ length: widths[axis] ?? 0 }, (_, k) => (starts[axis] ?? 0) + k);
      const ties = [
        [[0], [1]],
        [[2], [0, 1]],
        [[2], [3, 4]],
        [
          [4, 3],
          [1, 0],
        ],
      ] as const;
      for (const [left, right] of ties.filter(() => random.integer(2) === 0)) {
        expect(
          axes.tie(
            left.map((axis) => of(ids[axis] ?? 0)),
            right.map((axis) => of(ids[axis] ?? 0)),
          ),
        ).toBeNull();
        const [one, other] = [
          left.flatMap((axis) => channels(axis)),
          right.flatMap((axis) => channels(axis)),
        ];
        one.forEach((channel, k) => (parent[find(channel)] = find(other[k] ?? 0)));
      }
      // Every channel by the piece it is in and its place there: equal exactly for tied channels.
      const places = ids.flatMap((id) =>
        axes
          .pieces([of(id)])
          .flatMap(({ axis }) => Array.from({ length: axes.channels(axis) }, (_, k) => `${axis}:${k}`)),
      );
      for (let a = 0; a < 36; a += 1)
        for (let b = 0; b < 36; b += 1) expect(places[a] === places[b]).toBe(find(a) === find(b));
    }
  });

  test.each<[string, (axes: ChannelAxes) => string | null, string]>([
    [
      'axes of different lengths',
      (axes) => axes.tie([of(axes.add(3))], [of(axes.add(4))]),
      'it joins 3 channels with 4',
    ],
    [
      'maps flattened to different sizes',
      (axes) => axes.tie([of(axes.add(2), 6)], [of(axes.add(3), 4)]),
      'it joins flattened maps of different sizes',
    ],
    [
      'the input to something else',
      (axes) => axes.tie([of(axes.add(3, true))], [of(axes.add(3))]),
      "it joins the input's channels with others",
    ],
  ])('tie() refuses %s and changes nothing', (_, tie, reason) => {
    const axes = new ChannelAxes();
    const before = axes.add(5);
    expect(tie(axes)).toBe(reason);
    expect(axes.pieces([of(before)])).toEqual([of(before)]);
    expect(axes.pieces([of(1), of(2)])).toEqual([of(1), of(2)]);
  });

  test('cutAt() refuses to cut the input or inside a channel', () => {
    const axes = new ChannelAxes();
    const [input, other] = [axes.add(3, true), axes.add(3)];
    expect(axes.cutAt([of(input)], 1)).toBe('the channels of the input cannot be told apart');
    expect(axes.cutAt([of(input)], 3)).toBeNull();
    expect(axes.cutAt([of(other, 4)], 6)).toBe('element 6 lies inside a channel of 4 elements');
    expect(axes.hasWhole([of(other)])).toBe(false);
    expect(axes.hasWhole([of(other), of(input)])).toBe(true);
  });

  test('channels() refuses an axis that is not there', () => {
    expect(() => new ChannelAxes().channels(2)).toThrow('Cannot find channel axis 2 of 0');
  });
});
