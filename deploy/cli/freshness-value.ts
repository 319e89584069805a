import { VersionLearner } from '../../services/online-learner/domain/version-learner.ts';
import type { FeatureValue, ModelSpec } from '../../shared/domain/model-spec.ts';
import { ProgressiveMetrics } from '../../shared/domain/progressive-metrics.ts';

/** One labelled example of a log, its row in the order of the spec. */
export interface LoggedExample {
  readonly row: readonly FeatureValue[];
  readonly label: number;
  readonly weight: number;
  /** Event time, ms since the Unix epoch. */
  readonly atMs: number;
}

/** What predictions would have been worth, had parameters been refreshed every so often. */
export interface FreshnessValue {
  /** Time between two refreshes, ms; 0 for after every example. */
  readonly refreshMs: number;
  readonly examples: number;
  readonly logLossNats: number;
  readonly accuracyRate: number;
  /** Refreshes that there were. */
  readonly refreshes: number;
}

/** One way to serve: parameters that were copied at some time, or the learner's own while nothing was learned since. */
class Serving {
  readonly refreshMs: number;
  readonly metrics = new ProgressiveMetrics();
  refreshes = 0;
  #copy: VersionLearner | undefined;
  #refreshedMs = -Infinity;

  constructor(refreshMs: number) {
    this.refreshMs = refreshMs;
  }

  /** Scores an example by what was known at the last refresh that was due by then. */
  score({ row, label, weight, atMs }: LoggedExample, learner: VersionLearner): void {
    if (atMs - this.#refreshedMs >= this.refreshMs) {
      this.#refreshedMs = atMs;
      this.#copy = undefined;
      this.refreshes += 1;
    }
    this.metrics.record((this.#copy ?? learner).predict(row), label, weight);
  }

  /** Called before the learner goes on: what the next example may still be served by is copied. */
  keep(nextMs: number, copyOf: () => VersionLearner): void {
    if (this.#copy === undefined && nextMs - this.#refreshedMs < this.refreshMs) this.#copy = copyOf();
  }
}

/**
 * Learns examples in their order, from nothing, and returns what each refresh interval would have been worth: every example
 * is scored by the parameters of the last refresh before it, and then learned (progressive validation).
 */
export function valueOfFreshness(
  spec: ModelSpec,
  examples: readonly LoggedExample[],
  refreshesMs: readonly number[],
): FreshnessValue[] {
  const learner = VersionLearner.cold(spec, 1, spec.learner, 0);
  const servings = refreshesMs.map((refreshMs) => new Serving(refreshMs));
  examples.forEach((example, index) => {
    for (const serving of servings) serving.score(example, learner);
    const next = examples[index + 1];
    if (next !== undefined) {
      let copy: VersionLearner | undefined;
      const copyOf = (): VersionLearner => (copy ??= learner.fork(2, spec.learner, 0));
      for (const serving of servings) serving.keep(next.atMs, copyOf);
    }
    learner.step(example.row, example.label, example.weight);
  });
  return servings.map(({ refreshMs, metrics, refreshes }) => {
    const { logLoss, accuracyRate } = metrics.summary();
    return { refreshMs, examples: examples.length, logLossNats: logLoss, accuracyRate, refreshes };
  });
}
