import { describe } from 'vitest';
import { describeEdge } from './edge-conformance.ts';
import { EdgeWorker } from './edge-worker.ts';

describe('the edge Worker', () => {
  describeEdge(() => EdgeWorker.start());
});
