import { describe, expect, it } from 'vitest';
import { vgg11 } from '../../bench/vgg11.ts';
import { flatLength, layOutParameters } from '../../gpu-runner/engine/parameters.ts';
import { inferShapes } from '../../gpu-runner/onnx/shapes.ts';

/** Weights of the eight convolutions, and what else a channel of them and the dense layer have. */
const parametersOf = ([a, b, c, d]: readonly [number, number, number, number], perChannel: number): number =>
  9 * (3 * a + a * b + b * c + c * c + c * d + 3 * d * d) +
  perChannel * (a + b + 2 * c + 4 * d) +
  10 * d +
  10;

describe('vgg11()', () => {
  it.each([
    ['normalised', {}, parametersOf([64, 128, 256, 512], 2)],
    ['folded', { normalised: false }, parametersOf([64, 128, 256, 512], 1)],
    ['narrower', { widths: [32, 64, 128, 96] }, parametersOf([32, 64, 128, 96], 2)],
  ] as const)('has the parameters of the architecture, %s', (_, options, parameters) => {
    const graph = vgg11(1, options);
    expect(flatLength(layOutParameters(graph))).toBe(parameters);
    expect(inferShapes(graph, { image: [2, 3, 32, 32] }).get('logits')?.dims).toEqual([2, 10]);
  });
});

describe('vgg11() of other classes', () => {
  it('ends in as many logits as there are classes', () => {
    const graph = vgg11(1, { widths: [4, 4, 4, 4], classes: 43 });
    expect(graph.outputs[0]?.dims).toEqual(['N', 43]);
    expect(inferShapes(graph, { image: [2, 3, 32, 32] }).get('logits')?.dims).toEqual([2, 43]);
  });
});
