import type { Constant } from './constants.ts';
import { Unreadable } from './unreadable.ts';

/**
 * A constant as one number a channel, of a tensor whose channels lie on axis `channel` of `rank`.
 *
 * @throws {Unreadable} when it differs along another axis.
 */
export function perChannel(
  { dims, values }: Constant,
  { rank, channel }: { readonly rank: number; readonly channel: number },
  channels: number,
): Float64Array {
  if (values.length === 1) return new Float64Array(channels).fill(values[0] ?? 0);
  if (values.length !== channels || dims[dims.length - rank + channel] !== channels)
    throw new Unreadable(`its constant [${dims.join()}] is not one number for each of ${channels} channels`);
  return values;
}
