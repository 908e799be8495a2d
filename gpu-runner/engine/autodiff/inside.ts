import type { Emitter } from '../emitter.ts';
import { step } from './step.ts';

/** 1 where `value` lies between 0 and 1, else 0: both ends excluded. */
export const inside = (emit: Emitter, value: string): string =>
  emit.mul(step(emit, value), step(emit, emit.sub(emit.scalar(1, value), value)));
