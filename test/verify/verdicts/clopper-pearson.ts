/** Returns the probability of at most `count` successes in `trials`, each with probability `rate`. */
function binomialAtMost(count: number, trials: number, rate: number): number {
  if (rate <= 0) return 1;
  if (rate >= 1) return count >= trials ? 1 : 0;
  let logTerm = trials * Math.log1p(-rate);
  let sum = Math.exp(logTerm);
  for (let k = 1; k <= count; k += 1) {
    logTerm += Math.log((trials - k + 1) / k) + Math.log(rate / (1 - rate));
    sum += Math.exp(logTerm);
  }
  return Math.min(1, sum);
}

function solve(isAbove: (rate: number) => boolean): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (isAbove(middle)) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

/**
 * Returns the exact two-sided 99 % limits of a rate (Clopper & Pearson 1934): each is passed with probability of at
 * most 0.5 %.
 */
export function limits99(
  count: number,
  trials: number,
): { readonly lower99: number; readonly upper99: number } {
  const tail = 0.005;
  return {
    lower99: count === 0 ? 0 : solve((rate) => 1 - binomialAtMost(count - 1, trials, rate) > tail),
    upper99: count === trials ? 1 : solve((rate) => binomialAtMost(count, trials, rate) < tail),
  };
}
