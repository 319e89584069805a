import { ProgressiveMetrics } from '../../../shared/domain/progressive-metrics.ts';
import { bytesOf, restoreBytes, wholeSection } from '../../../shared/domain/state-section.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';
import { LogHistogram } from './log-histogram.ts';

/** Something that counts and can be stored. */
interface Accumulator {
  bytes(): Uint8Array;
  restore(bytes: Uint8Array, name: string): void;
}

/** A few counters with one place each. */
export class Counters {
  readonly #counts: Float64Array<ArrayBuffer>;
  constructor(size: number) {
    this.#counts = new Float64Array(size);
  }
  add(at: number, count = 1): void {
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
  }
  get(at: number): number {
    return this.#counts[at] ?? 0;
  }
  bytes(): Uint8Array {
    return bytesOf(this.#counts);
  }
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#counts, bytes, name);
  }
}

/** Places of a version's counters. */
export const VERSION_COUNT = { scored: 0, failed: 1, served: 2, size: 3 } as const;

/** Places of an arm's counters. */
export const ARM_COUNT = { predictions: 0, size: 1 } as const;

/** What is measured of one version. */
export class VersionMeasures {
  /** Scores that the learner gave before it learned each event: every live version on the same examples. */
  readonly learner = new ProgressiveMetrics();
  /** Scores that a router gave, on predictions whose label has come. */
  readonly router = new ProgressiveMetrics();
  readonly scoringMicros = new LogHistogram();
  readonly counters = new Counters(VERSION_COUNT.size);

  parts(): Record<string, Accumulator> {
    return {
      learner: this.learner,
      router: this.router,
      scoring: this.scoringMicros,
      counters: this.counters,
    };
  }
}

/** What is measured of one arm: the answers its subjects got. */
export class ArmMeasures {
  readonly answered = new ProgressiveMetrics();
  readonly latencyMicros = new LogHistogram();
  readonly counters = new Counters(ARM_COUNT.size);

  parts(): Record<string, Accumulator> {
    return { answered: this.answered, latency: this.latencyMicros, counters: this.counters };
  }
}

/** Returns the sections of accumulators under a prefix. */
export function sectionsOf(prefix: string, parts: Record<string, Accumulator>): StateSection[] {
  return Object.entries(parts).map(([name, part]) => wholeSection(`${prefix}/${name}`, () => part.bytes()));
}

/** Fills accumulators from the sections that `sectionsOf` made. */
export function restoreParts(
  prefix: string,
  parts: Record<string, Accumulator>,
  read: (name: string) => Uint8Array,
): void {
  for (const [name, part] of Object.entries(parts))
    part.restore(read(`${prefix}/${name}`), `${prefix}/${name}`);
}
