/** Over how much time a rate is taken, ms. */
const WINDOW_MS = 5000;
const LOOKS_MAX = 64;

/** Tells how fast a count rises. */
export class RateMeter {
  #looks: { readonly timeMs: number; readonly count: number }[] = [];

  /** Takes the count at a time and returns its rise over the last five seconds, per second; 0 before there are two looks. */
  take(count: number, timeMs: number): number {
    const looks = this.#looks;
    if (looks.length > 0 && count < (looks.at(-1)?.count ?? 0)) looks.length = 0;
    looks.push({ timeMs, count });
    while (looks.length > LOOKS_MAX || (looks.length > 2 && (looks[1]?.timeMs ?? 0) <= timeMs - WINDOW_MS))
      looks.shift();
    const first = looks[0];
    if (first === undefined || first.timeMs >= timeMs) return 0;
    return ((count - first.count) * 1000) / (timeMs - first.timeMs);
  }
}
