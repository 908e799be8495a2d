/**
 * The complementary error function, `1 - erf(x)`, to about 1e-13 relative for x >= 0: the Maclaurin series near 0, where
 * it converges fast, and the continued fraction beyond (DLMF 7.6.1 and 7.9.1).
 */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 1.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  // 100 levels are more than enough at 1.5, where the fraction converges slowest.
  let fraction = x;
  for (let level = 100; level >= 1; level--) fraction = x + level / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}

/**
 * P(X > x) of the chi-square distribution: the regularised upper incomplete gamma function Q(df / 2, x / 2), climbed
 * from Q(1/2, t) = erfc(sqrt t) or Q(1, t) = exp(-t) by Q(a + 1, t) = Q(a, t) + t^a e^-t / Gamma(a + 1) (DLMF 8.8.6).
 * Every term is positive, so no digits cancel.
 *
 * @throws {RangeError} unless `degrees` is a whole number from 1 and `x` is not negative
 */
export function chiSquareSurvival(x: number, degrees: number): number {
  if (!Number.isInteger(degrees) || degrees < 1 || !(x >= 0)) {
    throw new RangeError(`Cannot take chi-square ${x} with ${degrees} degrees of freedom`);
  }
  if (x === Infinity) return 0;
  const t = x / 2;
  const odd = degrees % 2 === 1;
  let a = odd ? 0.5 : 1;
  let survival = odd ? erfc(Math.sqrt(t)) : Math.exp(-t);
  // t^a e^-t / Gamma(a + 1), with Gamma(3/2) = sqrt(pi) / 2 and Gamma(2) = 1.
  let term = odd ? (2 * Math.sqrt(t) * Math.exp(-t)) / Math.sqrt(Math.PI) : t * Math.exp(-t);
  for (; a < degrees / 2; a++) {
    survival += term;
    term *= t / (a + 1);
  }
  return Math.min(1, survival);
}

/**
 * The z below which a standard normal number falls with this probability, by bisection of `erfc(-z / sqrt 2) / 2`.
 *
 * @throws {RangeError} unless 0 < probability < 1
 */
export function normalQuantile(probability: number): number {
  if (!(probability > 0 && probability < 1)) {
    throw new RangeError(`Cannot take the normal quantile of ${probability}: it must be between 0 and 1`);
  }
  // exp(-38^2 / 2) is the edge of float64.
  let [low, high] = [-38, 38];
  while (high - low > 1e-12) {
    const middle = (low + high) / 2;
    if (erfc(-middle / Math.SQRT2) / 2 < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
