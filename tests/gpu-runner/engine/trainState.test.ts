import { describe, expect, it } from 'vitest';
import type { Optimiser } from '../../../gpu-runner/engine/optimisers/optimiser.ts';
import { createOptimiser } from '../../../gpu-runner/engine/optimisers/createOptimiser.ts';
import { layOutParameters } from '../../../gpu-runner/engine/parameters.ts';
import {
  checkState,
  feedsOfState,
  floats,
  initialState,
  nextState,
  trainedGraph,
  type TrainState,
} from '../../../gpu-runner/engine/trainState.ts';
import type { TrainingGraph } from '../../../gpu-runner/engine/trainingGraph.ts';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { convNet, denseNet } from './tinyNets.ts';

const emitted: TrainingGraph = {
  graph: new Graph(),
  next: { parameters: 'p', state: ['v'] },
  statistics: new Map([['mean', 'm']]),
  noise: [],
  losses: [],
  widths: [],
};
const sgd: Optimiser = createOptimiser({ kind: 'sgd' });
const vector = (...values: number[]): Tensor => ({
  dtype: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
});
const state = (step: number): TrainState => ({
  step,
  parameters: Float32Array.of(1, 2),
  optimiser: { velocity: Float32Array.of(3, 4) },
  statistics: { mean: Float32Array.of(5) },
});

describe('initialState()', () => {
  it('holds the parameters one after the other, momenta of 0 and the statistics as they are', () => {
    const graph = convNet();
    const parameters = layOutParameters(graph, ['bias', 'scale']);
    const first = initialState(graph, parameters, sgd, emitted);
    const expected = [graph.initializers.get('bias'), graph.initializers.get('scale')].flatMap((tensor) =>
      Array.from(tensor?.data ?? [], Number),
    );
    expect(Array.from(first.parameters)).toEqual(expected);
    expect(first).toMatchObject({
      step: 0,
      optimiser: { velocity: new Float32Array(7) },
      statistics: { mean: new Float32Array(4) },
    });
  });
});

describe('checkState()', () => {
  it('takes any step of the same run', () => {
    for (const step of [0, 5, 10]) expect(() => checkState(state(step), state(0), 10)).not.toThrow();
  });

  it('refuses other sizes, names and steps', () => {
    const longer = { ...state(1), parameters: new Float32Array(3) };
    expect(() => checkState(longer, state(0), 10)).toThrow('the checkpoint holds parameters [3]; ');
    const adam = { ...state(1), optimiser: { gradientSum: new Float32Array(2) } };
    expect(() => checkState(adam, state(0), 10)).toThrow(
      'gradientSum [2]; mean [1]; this run needs parameters [2]; velocity [2]',
    );
    for (const step of [-1, 11, 0.5, NaN])
      expect(() => checkState(state(step), state(0), 10)).toThrow(`at step ${step} of 10`);
  });
});

describe('feedsOfState()', () => {
  it('names every vector and scalar as the training graph does', () => {
    expect(feedsOfState(state(0), { learningRate: 0.5 })).toEqual({
      parameters: vector(1, 2),
      'state/velocity': vector(3, 4),
      'statistic/mean': vector(5),
      'scalar/learningRate': { dtype: 'float32', dims: [], data: Float32Array.of(0.5) },
    });
  });
});

describe('nextState()', () => {
  const results = { p: vector(6, 7), v: vector(1e-29, -1e-31), m: vector(8) };

  it('takes everything from the results', () => {
    const next = nextState(state(0), emitted, sgd, results);
    expect(next).toEqual({
      step: 1,
      parameters: Float32Array.of(6, 7),
      optimiser: { velocity: Float32Array.of(1e-29, -1e-31) },
      statistics: { mean: Float32Array.of(8) },
    });
  });

  it('clears momenta that faded to nothing every 50 steps, before they become denormal', () => {
    const next = nextState(state(49), emitted, sgd, results);
    expect(next.optimiser).toEqual({ velocity: Float32Array.of(1e-29, 0) });
  });

  it('leaves no denormal momentum behind, however long a weight has stopped learning', () => {
    const smallestNormal = 2 ** -126;
    let faded = state(0);
    for (let step = 0; step < 2000; step += 1) {
      const velocity = (faded.optimiser['velocity'] ?? new Float32Array()).map((value) => 0.9 * value);
      for (const value of velocity) expect(value === 0 || value >= smallestNormal).toBe(true);
      faded = nextState(faded, emitted, sgd, {
        ...results,
        v: { dtype: 'float32', dims: [2], data: velocity },
      });
    }
    expect(faded.optimiser['velocity']).toEqual(Float32Array.of(0, 0));
  });
});

describe('trainedGraph()', () => {
  it('puts parameters and statistics into a copy', () => {
    const graph = convNet();
    const parameters = layOutParameters(graph, ['bias']);
    const mean = Float32Array.of(1, 2, 3, 4);
    const trained = trainedGraph(graph, parameters, {
      ...state(1),
      parameters: Float32Array.of(7, 8, 9),
      statistics: { mean },
    });
    expect(trained.initializers.get('bias')).toEqual(vector(7, 8, 9));
    expect(trained.initializers.get('mean')).toEqual(vector(1, 2, 3, 4));
    expect(graph.initializers.get('mean')).toEqual(vector(0, 0, 0, 0));
  });
});

describe('floats()', () => {
  it('refuses what is missing or not float32', () => {
    expect(floats(denseNet().initializers.get('b1'), 'b1')).toHaveLength(8);
    expect(() => floats(undefined, 'x')).toThrow('Cannot read "x": it is missing, not float32');
    expect(() => floats({ dtype: 'int32', dims: [], data: Int32Array.of(1) }, 'x')).toThrow('it is int32');
  });
});
