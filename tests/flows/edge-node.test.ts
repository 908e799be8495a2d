import { beforeEach, describe, vi } from 'vitest';
import { describeEdge } from './edge-conformance.ts';
import { EdgeOnNode } from './edge-node.ts';

// What is logged about the refusals asked for here is noise in a test's output.
beforeEach(() => void vi.spyOn(console, 'error').mockReturnValue(undefined));

describe('the edge on plain Node', () => {
  describeEdge(() => EdgeOnNode.start());
});
