import { describe, expect, test } from 'vitest';
import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { validate } from '../../../../gpu-runner/onnx/validate.ts';
import { answerOf, randomInput } from '../nets.ts';
import { everyNet } from './all.ts';

describe('networks for tests', () => {
  test.each<[string, (seed: number) => Graph]>(Object.entries(everyNet))(
    '%s can be run, and its seed decides its weights',
    async (_, build) => {
      const graph = build(1);
      validate(graph);
      const dims = (graph.inputs[0]?.dims ?? []).map((dim) => (typeof dim === 'number' ? dim : 2));
      const input = randomInput(dims, 3);
      const answer = await answerOf(graph, input);
      expect(answer).toHaveLength(6);
      expect(Array.from(answer).every(Number.isFinite)).toBe(true);
      expect(await answerOf(build(1), input)).toEqual(answer);
      expect(await answerOf(build(2), input)).not.toEqual(answer);
    },
  );
});
