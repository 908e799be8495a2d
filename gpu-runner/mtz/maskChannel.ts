/**
 * Sets one channel's merged weights to 0 where the side has zeros that has fewer of them: the mask with more ones stays (He
 * et al. 2018, sparse networks). Biases, which are never pruned, are not among them.
 *
 * @param merged [inputs], changed in place
 */
export function maskChannel(merged: Float64Array, ofA: Float64Array, ofB: Float64Array): void {
  const denser = ones(ofA) >= ones(ofB) ? ofA : ofB;
  for (let k = 0; k < merged.length; k += 1) if (denser[k] === 0) merged[k] = 0;
}

const ones = (weights: Float64Array): number =>
  weights.reduce((count, weight) => count + (weight === 0 ? 0 : 1), 0);
