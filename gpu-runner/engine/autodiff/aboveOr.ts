import type { Emitter } from '../emitter.ts';

/** The number `above` where `value` is above 0, else what `below` is there. */
export const aboveOr = (emit: Emitter, value: string, above: number, below: string): string =>
  emit.op('Where', [emit.op('Greater', [value, emit.scalar(0, value)]), emit.scalar(above, value), below]);
