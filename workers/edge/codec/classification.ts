import { TrunklineError } from '../../../shared/errors.ts';
import { dataTypes, type Tensor } from '../../../shared/tensor.ts';

/**
 * The `count` largest values of each sample, largest first, as strings `value:index` or `value:index:label`: the
 * protocol's classification extension.
 *
 * @param tensor scores, [batch, ...classes]; without a batch when it has one dimension only.
 * @throws {TrunklineError} `invalid`, when the tensor does not hold numbers.
 */
export function classify(
  name: string,
  tensor: Tensor,
  count: number,
  labels: readonly string[],
): Tensor<'string'> {
  const { dtype, dims, data } = tensor;
  if (dtype === 'string' || dtype === 'bool' || dtype === 'float16' || dtype === 'bfloat16') {
    throw new TrunklineError(
      'invalid',
      `Cannot classify output "${name}": its type is ${dataTypes[dtype].oip}`,
    );
  }
  const batched = dims.length > 1;
  const batch = batched ? (dims[0] ?? 1) : 1;
  const values = Array.from<number | bigint>(data);
  const classes = batch === 0 ? 0 : values.length / batch;
  const kept = Math.min(count, classes);
  const strings: string[] = [];
  for (let sample = 0; sample < batch; sample++) {
    const scores = values.slice(sample * classes, (sample + 1) * classes);
    const order = scores.map((_, i) => i).sort((a, b) => Number(scores[b]) - Number(scores[a]) || a - b);
    for (const index of order.slice(0, kept)) {
      const label = labels[index];
      strings.push(`${format(scores[index] ?? 0)}:${index}${label === undefined ? '' : `:${label}`}`);
    }
  }
  return { dtype: 'string', dims: batched ? [batch, kept] : [kept], data: strings };
}

const format = (value: number | bigint): string =>
  typeof value === 'bigint' ? `${value}` : value.toFixed(6);
