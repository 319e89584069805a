/**
 * Times how long an acknowledged event takes to reach answers: from the acknowledgement of its offset to the first answer
 * whose snapshot has learned it. When answers are rare, the time to the next answer is part of the figure.
 */
export class FreshnessProbe {
  readonly #waiting: { offset: number; ackedAtMs: number }[] = [];
  readonly #delaysMs: number[] = [];

  /** An event was acknowledged at an offset. */
  acknowledged(offset: number, nowMs: number): void {
    this.#waiting.push({ offset, ackedAtMs: nowMs });
  }

  /** An answer came from a snapshot that has learned everything below `position`. */
  answered(position: number, nowMs: number): void {
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1) {
      const one = this.#waiting[index];
      if (one === undefined || one.offset >= position) continue;
      this.#delaysMs.push(nowMs - one.ackedAtMs);
      this.#waiting.splice(index, 1);
    }
  }

  /** Forgets what waits: called when the learner is killed, whose recovery is timed by itself. */
  forget(): void {
    this.#waiting.length = 0;
  }

  /** Returns the quantiles of what was measured, ms; null before the first. */
  quantiles(): { readonly p50: number | null; readonly p99: number | null; readonly count: number } {
    const sorted = [...this.#delaysMs].sort((a, b) => a - b);
    const at = (share: number): number | null => {
      const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
      return value === undefined ? null : Math.round(value * 10) / 10;
    };
    return { p50: at(0.5), p99: at(0.99), count: sorted.length };
  }
}
